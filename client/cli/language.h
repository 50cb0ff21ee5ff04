// Which language a person reads: from the locale, also where the system has not generated it (then
// the texts still come in the language that was asked for). Called once, by main.
#pragma once

#include "common/wire/reason.h"

enum reason_language language_open(void);
