// libFuzzer: any bytes as a scheme file, and as the canonical message; what compiles scores a
// subject, is checked by the linter and gives the same canonical bytes again.
#include <stdlib.h>

#include "common/assess/assess.h"
#include "common/assess/lint.h"
#include "common/assess/receipt.h"
#include "common/assess/scheme_yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ARENA_LIMIT_BYTES (64 << 20)

static void check(bool holds) {
    if (!holds)
        abort();
}

// A history that touches every kind of fact about every kind of subject.
static void score(const struct scheme *scheme, struct arena *arena, enum subject_kind kind) {
    struct fact facts[2 * (LX__FACT_KIND__VOID + 1)];
    size_t n = 0;
    const char *item = scheme->n_courses > 0 ? scheme->courses[0].code : "x";
    const char *code = scheme->n_rules > 0 ? scheme->rules[0].source->code : "x";
    for (int i = 0; i < 2 * LX__FACT_KIND__VOID; i++) {
        facts[n] = (struct fact){.programme = scheme->number,
                                 .kind = (Lx__FactKind)(i / 2 + 1),
                                 .item = i % 2 == 0 ? item : code,
                                 .form = "",
                                 .occurred_at_ms = scheme->whole.from_ms + i,
                                 .until_ms = scheme->whole.from_ms + 3600000 + i,
                                 .quantity = 1000};
        facts[n].id.bytes[0] = (uint8_t)i;
        facts[n].of.bytes[0] = (uint8_t)(i - 1);
        n++;
    }
    struct summary below = {.kind = SUBJECT_KIND_TEACHER, .obliged = true};
    struct assess_input input = {.scheme = scheme,
                                 .kind = kind,
                                 .as_of = 20000,
                                 .facts = facts,
                                 .n_facts = n,
                                 .below = &below,
                                 .n_below = 1,
                                 .holders = &below,
                                 .n_holders = 1};
    struct standing standing;
    Lx__Receipt *receipt;
    if (assess(&input, arena, &standing) != STATUS_OK)
        return; // the arena is full
    check(standing.points >= 0 && standing.points <= standing.total);
    if (receipt_unpack(standing.receipt, arena, &receipt) == STATUS_OK)
        (void)!receipt_format(scheme, receipt, &(struct receipt_words){LANGUAGE_EN, NULL, NULL},
                              arena);
}

static void use(const struct scheme *scheme, struct arena *arena) {
    const struct finding *findings;
    size_t n;
    struct view bytes;
    struct view again;
    const struct scheme *loaded;
    struct scheme_error error;
    (void)!scheme_lint(scheme, arena, &findings, &n);
    for (unsigned kind = 1; kind < SUBJECT_KIND_COUNT; kind++)
        score(scheme, arena, (enum subject_kind)kind);
    if (scheme_pack(scheme->source, arena, &bytes) != STATUS_OK ||
        scheme_load(bytes, arena, &loaded, &error) != STATUS_OK)
        return;
    if (scheme_pack(loaded->source, arena, &again) == STATUS_OK)
        check(view_equal(bytes, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena *arena = arena_new(ARENA_LIMIT_BYTES);
    const struct scheme *scheme;
    const char *message = NULL;
    struct scheme_error error;
    check(arena != NULL);
    enum status status =
        scheme_yaml_compile(view_from(data, size), "fuzz.yaml", arena, &scheme, &message);
    if (status == STATUS_OK)
        use(scheme, arena);
    else
        check(status != STATUS_INVALID || message != NULL);
    arena_reset(arena);
    if (scheme_load(view_from(data, size), arena, &scheme, &error) == STATUS_OK)
        use(scheme, arena);
    arena_free(&arena);
    return 0;
}
