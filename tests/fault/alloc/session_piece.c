// See session_piece.h.
#include "tests/fault/alloc/session_piece.h"

#include <string.h>

#include "tests/fault/client/session.h"
#include "tests/lib/alloc.h"

static struct session session;
static uint64_t session_end; // of the run without a failure
static int session_adds[SESSION_STEPS];

void session_prepare(size_t variant) {
    (void)variant;
    session_open(&session, 1);
    session.final = session_end;
    memcpy(session.adds, session_adds, sizeof session_adds);
}

// Goes on from where the last call stopped.
enum status session_act(uint64_t *out_result) {
    TRY(session_run(&session));
    alloc_spare(true);
    bool right = session_check(&session) && session_check_end(&session);
    alloc_spare(false);
    session_end = session.final;
    memcpy(session_adds, session.adds, sizeof session_adds);
    *out_result = right;
    return right ? STATUS_OK : STATUS_CORRUPT;
}

void session_clean(void) {
    session_close(&session);
}
