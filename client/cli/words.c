// See words.h. English texts keep the tables' names, which are English words already and what one
// types on the command line; every other language has its own.
#include "client/cli/words.h"

#include <string.h>

#include "common/domain/fact_kind.h"
#include "common/domain/role.h"

static const char *word_of_kind(const char *value) {
    const struct fact_kind_info *info = fact_kind_find_by_name(value);
    return info ? info->zh : value;
}

static const char *word_of_role(const char *value) {
    const struct role_info *info = role_find_by_name(value);
    return info ? info->zh : value;
}

static const char *word_of_capability(const char *value) {
    size_t count = 0;
    const struct capability_info *table = capability_table(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].name, value) == 0)
            return table[i].zh;
    return value;
}

static const char *word_of_text(const char *value) {
    static const char *const texts[] = {
        N_("teacher"), N_("workshop"),   N_("school"),     N_("hours"),    N_("points"),
        N_("credits"), N_("item"),       N_("until_ms"),   N_("quantity"), N_("of"),
        N_("form"),    N_("source_key"), N_("submission"),
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strcmp(texts[i], value) == 0)
            return _(texts[i]);
    return value;
}

const char *words_of_parameter(const struct cli *cli, const char *name, const char *value) {
    static const struct {
        const char *name;
        const char *(*word)(const char *value);
    } rows[] = {
        {"kind", word_of_kind},    {"of", word_of_kind},
        {"role", word_of_role},    {"capability", word_of_capability},
        {"subject", word_of_text}, {"unit", word_of_text},
        {"field", word_of_text},
    };
    for (size_t i = 0; cli->language == REASON_LANGUAGE_ZH && i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].word(value);
    return value;
}
