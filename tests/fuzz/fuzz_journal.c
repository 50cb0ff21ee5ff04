// libFuzzer: any bytes as a security journal. The walk ends, gives nothing twice, and every line it
// gives is what it was read from. With a repaired hash (the first byte says so) the fields behind
// it are reached.
#include <stdlib.h>
#include <string.h>

#include "common/wire/digest.h"
#include "server/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD 130 // two hashes and the blanks behind them

static void check(bool holds) {
    if (!holds)
        abort();
}

// Writes the hash that the first line should have.
static void repair(uint8_t *text, size_t size) {
    const uint8_t *newline = memchr(text, '\n', size);
    size_t line = newline != NULL ? (size_t)(newline - text) : size;
    uint8_t hash[JOURNAL_HASH_SIZE], before[JOURNAL_HASH_SIZE] = {0};
    if (line < HEAD)
        return;
    const struct view parts[] = {view_from(before, sizeof before),
                                 view_from(text + HEAD, line - HEAD)};
    digest_sha256_parts(parts, 2, hash);
    for (size_t i = 0; i < JOURNAL_HASH_SIZE; i++) {
        memcpy(text + 2 * i,
               (const char[]){"0123456789abcdef"[hash[i] >> 4], "0123456789abcdef"[hash[i] & 15]},
               2);
        memcpy(text + 65 + 2 * i, "00", 2);
    }
    text[64] = text[129] = ' ';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    uint8_t *text = malloc(size);
    if (text == NULL)
        return 0;
    memcpy(text, data + 1, size - 1);
    if (data[0] % 2 == 1)
        repair(text, size - 1);
    struct journal_walk walk = {.text = view_from(text, size - 1)};
    struct journal_event event;
    int64_t last = 0;
    enum status status;
    while ((status = journal_next(&walk, &event)) == STATUS_OK) {
        check(event.no > last && event.what.size > 0 && event.body.size > 0);
        check(walk.end.no == event.no);
        check(event.body.data + event.body.size + 1 == walk.text.data);
        last = event.no;
    }
    check(status == STATUS_NOT_FOUND || status == STATUS_CORRUPT);
    free(text);
    return 0;
}
