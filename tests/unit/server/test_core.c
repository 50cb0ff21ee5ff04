// The server's pure parts: timer wheel, ring of hints, thread pool, configuration.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <event2/event.h>

#include "server/config.h"
#include "server/shared.h"
#include "server/thread_pool.h"
#include "server/wheel.h"

// ---- the wheel ----

struct timer {
    struct wheel_node node; // first: the callback gets it
    int fired;
};

static int64_t fired_at_ms;

static void on_due(struct wheel_node *node, void *user) {
    struct timer *timer = (struct timer *)node;
    const int64_t *now_ms = user;
    assert_true(node->deadline_ms <= *now_ms); // never early
    fired_at_ms = *now_ms;
    timer->fired++;
}

static void test_wheel_fires_once_and_never_early(void **state) {
    (void)state;
    static struct wheel wheel;
    const int64_t delays[] = {0, 1, 249, 250, 251, 10000, 127999, 128000, 900000};
    for (size_t i = 0; i < sizeof delays / sizeof delays[0]; i++) {
        struct timer timer = {.fired = 0};
        int64_t now_ms = 777777;
        wheel_init(&wheel, now_ms);
        wheel_set(&wheel, &timer.node, now_ms + delays[i]);
        int64_t end_ms = now_ms + delays[i] + 3 * WHEEL_SLOT_MS;
        for (; now_ms < end_ms; now_ms += 100)
            wheel_advance(&wheel, now_ms, on_due, &now_ms);
        assert_int_equal(timer.fired, 1);
        assert_true(fired_at_ms <= 777777 + delays[i] + 2 * WHEEL_SLOT_MS + 100);
        assert_null(timer.node.next);
    }
}

static void test_wheel_moves_and_removes(void **state) {
    (void)state;
    static struct wheel wheel;
    static struct timer timers[1000];
    memset(timers, 0, sizeof timers);
    int64_t now_ms = 0;
    wheel_init(&wheel, now_ms);
    for (int i = 0; i < 1000; i++)
        wheel_set(&wheel, &timers[i].node, i * 10);
    for (int i = 0; i < 1000; i += 2)
        wheel_remove(&timers[i].node);
    wheel_remove(&timers[0].node);              // twice is nothing
    wheel_set(&wheel, &timers[1].node, 500000); // moved far away
    now_ms = 20000;
    wheel_advance(&wheel, now_ms, on_due, &now_ms);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(timers[i].fired, i % 2 == 1 && i != 1);
    now_ms = 5000000; // asleep for many turns
    wheel_advance(&wheel, now_ms, on_due, &now_ms);
    assert_int_equal(timers[1].fired, 1);
}

// ---- the ring ----

static void test_ring(void **state) {
    (void)state;
    struct shared *shared;
    assert_int_equal(shared_new(2, &shared), STATUS_OK);
    uint64_t position = 0, head;
    struct uuid stream;
    bool lost = false;
    assert_false(shared_take(shared, &position, &stream, &head, &lost));
    for (uint64_t i = 0; i < 3 * SHARED_RING_SIZE; i++) { // around the ring, never behind
        shared_put(shared, (struct uuid){{(uint8_t)i}}, i);
        assert_true(shared_take(shared, &position, &stream, &head, &lost));
        assert_true(head == i && stream.bytes[0] == (uint8_t)i);
        assert_false(shared_take(shared, &position, &stream, &head, &lost));
    }
    assert_false(lost);
    for (uint64_t i = 0; i < SHARED_RING_SIZE + 10; i++)
        shared_put(shared, (struct uuid){{1}}, i);
    assert_true(shared_take(shared, &position, &stream, &head, &lost));
    assert_true(lost); // and says so
    shared_free(&shared);
}

// A writer that died in the middle of a hint leaves a hole that readers pass by.
static void test_ring_hole(void **state) {
    (void)state;
    struct shared *shared;
    assert_int_equal(shared_new(1, &shared), STATUS_OK);
    uint64_t position = 0, head;
    struct uuid stream;
    bool lost = false;
    atomic_fetch_add(&shared->next, 1); // reserved and never written
    shared_put(shared, (struct uuid){{2}}, 22);
    assert_true(shared_take(shared, &position, &stream, &head, &lost));
    assert_true(head == 22 && lost);
    shared_free(&shared);
}

#define WRITES 20000

// Two processes write, this one reads: what it gets is whole.
static void test_ring_between_processes(void **state) {
    (void)state;
    struct shared *shared;
    assert_int_equal(shared_new(1, &shared), STATUS_OK);
    pid_t writers[2];
    for (int w = 0; w < 2; w++) {
        writers[w] = fork();
        if (writers[w] == 0) {
            for (uint64_t i = 0; i < WRITES; i++) {
                struct uuid id = {{(uint8_t)i}};
                memset(id.bytes, (int)(i & 0xff), sizeof id.bytes);
                shared_put(shared, id, i & 0xff);
            }
            _exit(0);
        }
    }
    uint64_t position = 0, head, taken = 0;
    struct uuid stream;
    bool lost = false;
    while (position < 2 * WRITES) {
        if (!shared_take(shared, &position, &stream, &head, &lost))
            continue;
        for (size_t i = 0; i < sizeof stream.bytes; i++)
            assert_int_equal(stream.bytes[i], head);
        taken++;
    }
    assert_true(taken > 0);
    for (int w = 0; w < 2; w++)
        waitpid(writers[w], NULL, 0);
    shared_free(&shared);
}

// ---- the thread pool ----

struct work {
    int worked, done;
};

static void do_work(void *user) {
    ((struct work *)user)->worked++;
}

static void on_done(void *user) {
    ((struct work *)user)->done++;
}

static void test_thread_pool(void **state) {
    (void)state;
    struct event_base *base = event_base_new();
    struct thread_pool *pool = thread_pool_new(base, 3, 1000);
    struct work works[500] = {{0, 0}};
    for (int i = 0; i < 500; i++) {
        assert_int_equal(thread_pool_submit(pool, do_work, on_done, &works[i]), STATUS_OK);
        assert_int_equal(works[i].done, 0); // never before it returns
    }
    for (int done = 0; done < 500;) {
        event_base_loop(base, EVLOOP_ONCE);
        done = 0;
        for (int i = 0; i < 500; i++)
            done += works[i].done;
    }
    for (int i = 0; i < 500; i++)
        assert_true(works[i].worked == 1 && works[i].done == 1);
    thread_pool_free(&pool);
    event_base_free(base);
}

static void block(void *user) {
    char byte;
    ssize_t got = read(*(int *)user, &byte, 1);
    (void)got;
}

static void ignore(void *user) {
    (void)user;
}

// A full queue says so; what waits at the end is called back.
static void test_thread_pool_full(void **state) {
    (void)state;
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    struct event_base *base = event_base_new();
    struct thread_pool *pool = thread_pool_new(base, 1, 2);
    struct work work = {0, 0};
    assert_int_equal(thread_pool_submit(pool, block, ignore, &pipe_fds[0]), STATUS_OK);
    enum status status = STATUS_OK;
    int accepted = 0;
    while (status == STATUS_OK && accepted < 10) {
        status = thread_pool_submit(pool, do_work, on_done, &work);
        accepted += status == STATUS_OK;
    }
    assert_int_equal(status, STATUS_LIMIT);
    assert_true(accepted <= 3);
    assert_int_equal(write(pipe_fds[1], "x", 1), 1);
    thread_pool_free(&pool);
    assert_int_equal(work.done, accepted);
    event_base_free(base);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

// ---- configuration ----

static void test_config(void **state) {
    (void)state;
    char text[1024] = "";
    FILE *errors = fmemopen(text, sizeof text, "w");
    struct config config;
    config_set_defaults(&config);
    assert_int_equal(config.port, 7443);
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
        assert_true(strlen(CONFIG_KEYS[i].help) > 10);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(CONFIG_KEYS[i].name, CONFIG_KEYS[j].name);
    }
    assert_int_equal(config_set(&config, "port", "8000", errors), STATUS_OK);
    assert_int_equal(config_set(&config, "port", "", errors), STATUS_INVALID);
    assert_int_equal(config_set(&config, "port", "12x", errors), STATUS_INVALID);
    assert_int_equal(config_set(&config, "port", "65536", errors), STATUS_INVALID);
    assert_int_equal(config_set(&config, "port", "-1", errors), STATUS_INVALID);
    assert_int_equal(config_set(&config, "prot", "1", errors), STATUS_INVALID);
    assert_int_equal(config_set(&config, "checks", "some", errors), STATUS_INVALID);
    char long_text[CONFIG_TEXT_SIZE + 1];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    assert_int_equal(config_set(&config, "cert", long_text, errors), STATUS_INVALID);
    assert_int_equal(config.port, 8000);
    fclose(errors);
    assert_non_null(strstr(text, "0 to 65535"));
    assert_non_null(strstr(text, "both server_only sql_only"));
}

static void test_config_reload(void **state) {
    (void)state;
    struct config running, fresh;
    config_set_defaults(&running);
    config_set_defaults(&fresh);
    fresh.frame_timeout_ms = 5;
    fresh.port = 1;
    strcpy(fresh.cert, "new.pem");
    config_reload(&running, &fresh);
    assert_int_equal(running.frame_timeout_ms, 5);
    assert_string_equal(running.cert, "new.pem");
    assert_int_equal(running.port, 7443); // needs a restart
}

static void test_config_file(void **state) {
    (void)state;
    char path[] = "/tmp/lx-config-XXXXXX";
    int fd = mkstemp(path);
    const char *text = "# comment\n\n  port = 7000  \nlisten=::1\ndsn_api = host=/x dbname=y\n";
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    struct config config;
    const char *sets[] = {"port=7001"};
    struct config_source source = {path, sets, 1};
    assert_int_equal(config_load(&config, &source, stderr), STATUS_OK);
    assert_int_equal(config.port, 7001);
    assert_string_equal(config.listen, "::1");
    assert_string_equal(config.dsn_api, "host=/x dbname=y");
    assert_int_equal(write(fd, "nonsense\n", 9), 9);
    char message[512] = "";
    FILE *errors = fmemopen(message, sizeof message, "w");
    assert_int_equal(config_load(&config, &source, errors), STATUS_INVALID);
    fclose(errors);
    assert_non_null(strstr(message, "line 6"));
    close(fd);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wheel_fires_once_and_never_early),
        cmocka_unit_test(test_wheel_moves_and_removes),
        cmocka_unit_test(test_ring),
        cmocka_unit_test(test_ring_hole),
        cmocka_unit_test(test_ring_between_processes),
        cmocka_unit_test(test_thread_pool),
        cmocka_unit_test(test_thread_pool_full),
        cmocka_unit_test(test_config),
        cmocka_unit_test(test_config_reload),
        cmocka_unit_test(test_config_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
