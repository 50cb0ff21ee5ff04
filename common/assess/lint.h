// Contradictions and open questions of a scheme that no program can settle: shown, not hidden, by
// `scheme check`. Pure; called by lianxiaoctl and tests.
#pragma once

#include <stddef.h>

#include "common/assess/scheme.h"

struct finding {
    const char *code;  // stable, e.g. "pass-mark-assumed"
    unsigned line;     // of the YAML file
    const char *where; // rule, stage, session ... concerned; in the arena
    const char *zh;    // sentences for people; in the arena
    const char *en;
};

// Findings in the arena, in a fixed order.
enum status scheme_lint(const struct scheme *scheme, struct arena *arena,
                        const struct finding **out_findings, size_t *out_n) MUST_USE;
