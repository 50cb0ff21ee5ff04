// The journal's lines and its file. See journal.h.
#include "server/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/wire/digest.h"

#define HEX_SIZE ((size_t)2 * JOURNAL_HASH_SIZE)

// ---- lines ----

static int hex_digit(uint8_t c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The word up to the next blank; false: there is none.
static bool take_word(struct view *line, struct view *out_word) {
    const uint8_t *blank = line->size > 0 ? memchr(line->data, ' ', line->size) : NULL;
    if (blank == NULL || blank == line->data)
        return false;
    *out_word = view_from(line->data, (size_t)(blank - line->data));
    *line = view_from(blank + 1, line->size - out_word->size - 1);
    return true;
}

static bool take_hash(struct view *line, uint8_t out_hash[JOURNAL_HASH_SIZE]) {
    struct view word;
    if (!take_word(line, &word) || word.size != HEX_SIZE)
        return false;
    for (size_t i = 0; i < JOURNAL_HASH_SIZE; i++) {
        int high = hex_digit(word.data[2 * i]), low = hex_digit(word.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out_hash[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

// Decimal without sign or leading zeros, as PostgreSQL writes it.
static bool take_number(struct view *line, int64_t *out_number) {
    struct view word;
    int64_t number = 0;
    if (!take_word(line, &word) || (word.size > 1 && word.data[0] == '0'))
        return false;
    for (size_t i = 0; i < word.size; i++)
        if (word.data[i] < '0' || word.data[i] > '9' ||
            __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, word.data[i] - '0', &number))
            return false;
    *out_number = number;
    return true;
}

enum status journal_parse(struct view line, struct journal_event *out_event) {
    uint8_t hash[JOURNAL_HASH_SIZE];
    struct journal_event *event = out_event;
    if (line.size > JOURNAL_LINE_MAX || !take_hash(&line, event->hash) ||
        !take_hash(&line, event->before))
        return STATUS_CORRUPT;
    const struct view parts[] = {view_from(event->before, JOURNAL_HASH_SIZE), line};
    digest_sha256_parts(parts, 2, hash);
    if (memcmp(hash, event->hash, sizeof hash) != 0 || !take_number(&line, &event->no) ||
        !take_number(&line, &event->at_ms) || !take_word(&line, &event->what) || event->no == 0 ||
        line.size == 0)
        return STATUS_CORRUPT;
    event->body = line;
    return STATUS_OK;
}

static bool follows(const struct journal_end *end, const struct journal_event *event) {
    return end->no == 0 ||
           (event->no == end->no + 1 && memcmp(event->before, end->hash, JOURNAL_HASH_SIZE) == 0);
}

static void move_end(struct journal_end *end, const struct journal_event *event) {
    end->no = event->no;
    memcpy(end->hash, event->hash, JOURNAL_HASH_SIZE);
}

bool journal_peek(const struct journal_walk *walk, struct view *out_line) {
    const struct view *text = &walk->text;
    const uint8_t *newline = text->size > 0 ? memchr(text->data, '\n', text->size) : NULL;
    if (newline != NULL)
        *out_line = view_from(text->data, (size_t)(newline - text->data));
    return newline != NULL;
}

void journal_skip(struct journal_walk *walk, struct view line) {
    walk->text = view_from(line.data + line.size + 1, walk->text.size - line.size - 1);
    walk->lines++;
}

enum status journal_next(struct journal_walk *walk, struct journal_event *out_event) {
    struct view line;
    if (!journal_peek(walk, &line))
        return STATUS_NOT_FOUND;
    if (journal_parse(line, out_event) != STATUS_OK || !follows(&walk->end, out_event))
        return STATUS_CORRUPT;
    journal_skip(walk, line);
    move_end(&walk->end, out_event);
    return STATUS_OK;
}

static enum status add_hash(struct buf *out, const uint8_t hash[JOURNAL_HASH_SIZE]) {
    for (size_t i = 0; i < JOURNAL_HASH_SIZE; i++)
        TRY(buf_format(out, "%02x", hash[i]));
    return buf_append_string(out, " ");
}

static enum status add_line(struct buf *out, const struct journal_event *event) {
    TRY(add_hash(out, event->hash));
    TRY(add_hash(out, event->before));
    TRY(buf_format(out, "%" PRId64 " %" PRId64 " ", event->no, event->at_ms));
    TRY(buf_append(out, event->what.data, event->what.size));
    TRY(buf_append_string(out, " "));
    TRY(buf_append(out, event->body.data, event->body.size));
    return buf_append_string(out, "\n");
}

// ---- the file ----

static enum status __attribute__((format(printf, 3, 4)))
fail(char *out_error, enum status status, const char *format, ...) {
    va_list list;
    va_start(list, format);
    vsnprintf(out_error, JOURNAL_ERROR_SIZE, format, list);
    va_end(list);
    return status;
}

// A new file's name must last, too.
static bool sync_folder(const char *path) {
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return good;
}

static enum status open_file(const char *path, int *out_fd, char *out_error) {
    int fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC);
    bool is_new = fd < 0 && errno == ENOENT;
    if (is_new)
        fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    *out_fd = fd;
    if (fd < 0 || (is_new && !sync_folder(path)) || flock(fd, LOCK_EX) != 0)
        return fail(out_error, STATUS_IO, "%s: %s", path, strerror(errno));
    return STATUS_OK;
}

// The last complete line, in `buffer`; what follows it is cut off. size 0: there is none.
static enum status read_last_line(const char *path, int fd, char *buffer, struct view *out_line,
                                  char *out_error) {
    struct stat info;
    *out_line = (struct view){NULL, 0};
    if (fstat(fd, &info) != 0)
        return fail(out_error, STATUS_IO, "%s: %s", path, strerror(errno));
    off_t start = info.st_size > 2 * JOURNAL_LINE_MAX ? info.st_size - 2 * JOURNAL_LINE_MAX : 0;
    size_t size = (size_t)(info.st_size - start);
    if (pread(fd, buffer, size, start) != (ssize_t)size)
        return fail(out_error, STATUS_IO, "%s: can't be read", path);
    const char *newline = size > 0 ? memrchr(buffer, '\n', size) : NULL;
    if (newline == NULL && start > 0)
        return fail(out_error, STATUS_CORRUPT, "%s: is not a security journal", path);
    size_t whole = newline != NULL ? (size_t)(newline - buffer) + 1 : 0;
    if (whole < size && ftruncate(fd, start + (off_t)whole) != 0)
        return fail(out_error, STATUS_IO, "%s: %s", path, strerror(errno));
    if (whole == 0)
        return STATUS_OK;
    const char *before = memrchr(buffer, '\n', whole - 1);
    const char *line = before != NULL ? before + 1 : buffer;
    *out_line = view_from(line, (size_t)(buffer + whole - 1 - line));
    return STATUS_OK;
}

static enum status read_end(const char *path, int fd, struct journal_end *out_end,
                            char *out_error) {
    struct view line;
    struct journal_event event;
    char *buffer = malloc((size_t)2 * JOURNAL_LINE_MAX);
    *out_end = (struct journal_end){.no = 0};
    if (buffer == NULL)
        return fail(out_error, STATUS_NO_MEMORY, "out of memory");
    enum status status = read_last_line(path, fd, buffer, &line, out_error);
    if (status == STATUS_OK && line.size > 0) {
        status = journal_parse(line, &event);
        if (status == STATUS_OK)
            move_end(out_end, &event);
        else
            status = fail(out_error, status,
                          "%s: its last line is broken; see \"lianxiaoctl journal check\"", path);
    }
    free(buffer);
    return status;
}

// What could not be made to last goes again: a second fdatasync would call it well.
static enum status give_up_write(int fd, off_t size) {
    int error = errno;
    (void)!ftruncate(fd, size);
    errno = error;
    return STATUS_IO;
}

static enum status write_all(int fd, struct view bytes) {
    off_t size = lseek(fd, 0, SEEK_END);
    while (bytes.size > 0) {
        ssize_t n = write(fd, bytes.data, bytes.size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return give_up_write(fd, size);
        bytes = view_from(bytes.data + n, bytes.size - (size_t)n);
    }
    return fdatasync(fd) == 0 ? STATUS_OK : give_up_write(fd, size);
}

static enum status append(const char *path, int fd, const struct journal_event *events, size_t n,
                          struct journal_end *end, char *out_error) {
    struct buf lines = {0};
    struct journal_end moved = *end;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < n && status == STATUS_OK; i++) {
        if (events[i].no < moved.no)
            continue;
        bool same =
            events[i].no == moved.no && memcmp(events[i].hash, moved.hash, JOURNAL_HASH_SIZE) == 0;
        if (same)
            continue;
        if (!follows(&moved, &events[i]))
            status = fail(out_error, STATUS_CONFLICT,
                          "%s: ends with event %" PRId64 ", which event %" PRId64
                          " of the database does not follow: it is another database's, or the "
                          "database has gone on without it. Begin a new journal",
                          path, moved.no, events[i].no);
        else
            status = add_line(&lines, &events[i]);
        move_end(&moved, &events[i]);
    }
    if (status == STATUS_OK && buf_size(&lines) > 0 &&
        (status = write_all(fd, buf_view(&lines))) != STATUS_OK)
        fail(out_error, status, "%s: %s", path, strerror(errno));
    if (status == STATUS_OK)
        *end = moved;
    buf_free(&lines);
    return status;
}

enum status journal_append(const char *path, const struct journal_event *events, size_t n,
                           struct journal_end *out_end, char out_error[JOURNAL_ERROR_SIZE]) {
    int fd = -1;
    out_error[0] = '\0';
    enum status status = open_file(path, &fd, out_error);
    if (status == STATUS_OK)
        status = read_end(path, fd, out_end, out_error);
    if (status == STATUS_OK)
        status = append(path, fd, events, n, out_end, out_error);
    if (fd >= 0)
        close(fd); // ends the lock
    return status;
}

enum status journal_map(const char *path, struct view *out_text) {
    struct stat info;
    *out_text = (struct view){NULL, 0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return STATUS_IO;
    void *memory = NULL;
    if (fstat(fd, &info) == 0 && info.st_size > 0)
        memory = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (memory == MAP_FAILED)
        return STATUS_IO;
    if (memory != NULL)
        *out_text = view_from(memory, (size_t)info.st_size);
    return STATUS_OK;
}

void journal_unmap(struct view *text) {
    if (text->size > 0)
        munmap((void *)text->data, text->size);
    *text = (struct view){NULL, 0};
}
