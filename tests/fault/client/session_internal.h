// Between session.c and session_check.c.
#pragma once

#include "tests/fault/client/session.h"

enum status session_open_home(struct session *session) MUST_USE;
// The letter of the device that the home says it is; 0: not enrolled.
enum status session_device(struct session *session, int *out_device) MUST_USE;
// The step is done: remembers what the outbox holds now. Faults must not be planned for reading.
void session_note(struct session *session);
