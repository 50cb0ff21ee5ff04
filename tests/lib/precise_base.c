// See precise_base.h.
#include "precise_base.h"

#include <event2/event.h>
#include <stddef.h>

struct event_base *precise_base(void) {
    struct event_config *config = event_config_new();
    if (config == NULL)
        return NULL;
    event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}
