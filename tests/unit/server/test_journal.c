// The security journal: lines prove themselves and each other, a torn end is cut off, anything else
// is refused, and what is there already is not written twice.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/wire/digest.h"
#include "server/journal.h"

#define EVENTS 5

struct world {
    char folder[32];
    char path[64];
    char body[EVENTS][64];
    struct journal_event events[EVENTS];
    char error[JOURNAL_ERROR_SIZE];
    struct journal_end end;
};

static void hash_event(struct journal_event *event, const char *body) {
    char text[160];
    snprintf(text, sizeof text, "%lld %lld account %s", (long long)event->no,
             (long long)event->at_ms, body);
    const struct view parts[] = {view_from(event->before, JOURNAL_HASH_SIZE),
                                 view_from_string(text)};
    digest_sha256_parts(parts, 2, event->hash);
}

static void world_open(struct world *world) {
    memset(world, 0, sizeof *world);
    strcpy(world->folder, "/tmp/lx-journal-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->path, sizeof world->path, "%s/journal", world->folder);
    for (int i = 0; i < EVENTS; i++) {
        struct journal_event *event = &world->events[i];
        snprintf(world->body[i], sizeof world->body[i], "{\"name\": \"王芳 %d\"}", i);
        *event = (struct journal_event){.no = 100 + i, .at_ms = 1622000000000 + i};
        event->what = view_from_string("account");
        event->body = view_from_string(world->body[i]);
        if (i > 0)
            memcpy(event->before, world->events[i - 1].hash, JOURNAL_HASH_SIZE);
        hash_event(event, world->body[i]);
    }
}

static void world_close(struct world *world) {
    unlink(world->path);
    rmdir(world->folder);
}

static enum status append(struct world *world, size_t from, size_t n) {
    return journal_append(world->path, world->events + from, n, &world->end, world->error);
}

static size_t read_file(struct world *world, char *text, size_t size) {
    FILE *file = fopen(world->path, "re");
    assert_non_null(file);
    size_t n = fread(text, 1, size, file);
    fclose(file);
    return n;
}

static void write_file(struct world *world, const char *text, size_t size) {
    FILE *file = fopen(world->path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

// Good lines up to the end or the first fault.
static enum status walk(struct world *world, size_t *out_lines) {
    struct view text;
    struct journal_event event;
    enum status status;
    assert_int_equal(journal_map(world->path, &text), STATUS_OK);
    struct journal_walk walk = {.text = text};
    while ((status = journal_next(&walk, &event)) == STATUS_OK)
        assert_true(view_equal(event.body, world->events[event.no - 100].body));
    *out_lines = walk.lines;
    journal_unmap(&text);
    return status;
}

static void test_what_is_appended_is_read(void **state) {
    struct world world;
    struct stat info;
    size_t lines;
    (void)state;
    world_open(&world);
    assert_int_equal(append(&world, 0, 0), STATUS_OK);
    assert_int_equal(world.end.no, 0);
    assert_int_equal(append(&world, 0, 2), STATUS_OK);
    assert_int_equal(append(&world, 0, 4), STATUS_OK); // two of them are there
    assert_int_equal(append(&world, 1, 1), STATUS_OK);
    assert_int_equal(world.end.no, 103);
    assert_memory_equal(world.end.hash, world.events[3].hash, JOURNAL_HASH_SIZE);
    assert_int_equal(walk(&world, &lines), STATUS_NOT_FOUND);
    assert_int_equal(lines, 4);
    assert_int_equal(stat(world.path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    world_close(&world);
}

static void test_what_does_not_follow_is_refused(void **state) {
    struct world world;
    size_t lines;
    (void)state;
    world_open(&world);
    assert_int_equal(append(&world, 0, 2), STATUS_OK);
    assert_int_equal(append(&world, 3, 1), STATUS_CONFLICT); // a gap
    assert_non_null(strstr(world.error, "103"));
    world.events[1].hash[0] ^= 1; // the database has another event of this number
    assert_int_equal(append(&world, 1, 1), STATUS_CONFLICT);
    world.events[2].before[0] ^= 1;
    assert_int_equal(append(&world, 2, 1), STATUS_CONFLICT);
    assert_int_equal(walk(&world, &lines), STATUS_NOT_FOUND);
    assert_int_equal(lines, 2);
    world_close(&world);
}

// Cut anywhere: what was whole is there, the rest is written again.
static void test_torn_at_every_byte(void **state) {
    struct world world;
    char text[4096];
    (void)state;
    world_open(&world);
    assert_int_equal(append(&world, 0, 3), STATUS_OK);
    size_t size = read_file(&world, text, sizeof text);
    for (size_t cut = 0; cut < size; cut++) {
        size_t lines;
        write_file(&world, text, cut);
        assert_int_equal(walk(&world, &lines), STATUS_NOT_FOUND);
        assert_int_equal(append(&world, 0, 0), STATUS_OK);
        assert_int_equal(world.end.no, lines > 0 ? 99 + (int)lines : 0);
        assert_int_equal(append(&world, 0, 3), STATUS_OK);
        char again[4096];
        assert_int_equal(read_file(&world, again, sizeof again), size);
        assert_memory_equal(text, again, size);
    }
    world_close(&world);
}

// Every bit of the file, and every line taken out or moved, is noticed.
static void test_tampering_is_found(void **state) {
    struct world world;
    char text[4096];
    char changed[4096];
    size_t lines;
    (void)state;
    world_open(&world);
    assert_int_equal(append(&world, 0, EVENTS), STATUS_OK);
    size_t size = read_file(&world, text, sizeof text);
    for (size_t at = 0; at < size - 1; at++) {
        memcpy(changed, text, size);
        changed[at] ^= (char)(1 << at % 8);
        write_file(&world, changed, size);
        assert_int_equal(walk(&world, &lines), STATUS_CORRUPT);
    }
    const char *first = (const char *)memchr(text, '\n', size) + 1;
    const char *second = (const char *)memchr(first, '\n', size) + 1;
    size_t kept = (size_t)(first - text);
    memcpy(changed, text, kept);
    memcpy(changed + kept, second, size - (size_t)(second - text));
    write_file(&world, changed, size - (size_t)(second - first));
    assert_int_equal(walk(&world, &lines), STATUS_CORRUPT);
    assert_int_equal(lines, 1);
    write_file(&world, text, size);
    changed[0] = text[size - 2];
    text[size - 2] = 'x'; // the last line, whole but wrong: nothing is appended behind it
    write_file(&world, text, size);
    assert_int_equal(append(&world, 0, 0), STATUS_CORRUPT);
    assert_non_null(strstr(world.error, "journal check"));
    world_close(&world);
}

static void test_a_folder_that_is_not_there(void **state) {
    struct world world;
    (void)state;
    world_open(&world);
    strcpy(world.path, "/tmp/lx-journal-none/x/y");
    assert_int_equal(append(&world, 0, 1), STATUS_IO);
    assert_non_null(strstr(world.error, "/tmp/lx-journal-none/x/y"));
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_appended_is_read),
        cmocka_unit_test(test_what_does_not_follow_is_refused),
        cmocka_unit_test(test_torn_at_every_byte),
        cmocka_unit_test(test_tampering_is_found),
        cmocka_unit_test(test_a_folder_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
