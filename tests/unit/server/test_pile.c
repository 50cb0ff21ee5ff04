// The pile with a fake database: what is merged, in which order, what happens when the database
// refuses, breaks or is away.
#include "server/pile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAX_WRITES 256
#define MAX_GROUPS 256

// Writes down what it is given; the test reports the outcome.
struct fake {
    struct pile *pile;
    unsigned writes;
    size_t batch_sizes[MAX_WRITES];
    const struct pile_batch *batch; // in flight, on any route
};

struct client {
    struct pile_group group;
    uint8_t device[PILE_DEVICE_SIZE];
    struct fake *fake;
    unsigned told;
    unsigned order; // when it was told last
    bool keep_held;
    bool poison; // a batch with it fails
};

static unsigned told_count;
static struct client clients[MAX_GROUPS];

static void fake_write(void *user, const struct pile_batch *batch) {
    struct fake *fake = user;
    assert_true(fake->writes < MAX_WRITES);
    fake->batch_sizes[fake->writes++] = batch->n_groups;
    fake->batch = batch;
}

static void on_done(void *user, struct pile_group *group) {
    struct client *client = user;
    client->told++;
    client->order = ++told_count;
    assert_ptr_equal(group, &client->group);
    assert_int_equal(group->state, PILE_GROUP_HELD);
    if (!client->keep_held)
        pile_release(client->fake->pile, group);
}

static void set_up(struct fake *fake, unsigned routes) {
    *fake = (struct fake){0};
    told_count = 0;
    memset(clients, 0, sizeof(clients));
    fake->pile = pile_new(routes, (struct pile_writer){fake_write, fake});
    assert_non_null(fake->pile);
}

static struct client *add(struct fake *fake, size_t i, uint8_t device, uint8_t stream,
                          size_t facts) {
    struct client *client = &clients[i];
    client->fake = fake;
    memset(client->device, device, sizeof(client->device));
    client->group.device = client->device;
    memset(client->group.stream.bytes, stream, UUID_SIZE);
    client->group.n_facts = facts;
    client->group.done = on_done;
    client->group.user = client;
    assert_int_equal(pile_add(fake->pile, &client->group), STATUS_OK);
    return client;
}

static void finish(struct fake *fake, enum status status) {
    const struct pile_batch *batch = fake->batch;
    assert_non_null(batch);
    fake->batch = NULL;
    for (size_t i = 0; i < batch->n_groups; i++)
        batch->groups[i]->verdict = PILE_VERDICT_DONE;
    pile_finish(fake->pile, batch->route, status);
}

// A database that refuses every batch with a poisoned group.
static void run_poisoned(struct fake *fake, enum status status) {
    while (fake->batch != NULL) {
        bool poison = false;
        for (size_t i = 0; i < fake->batch->n_groups; i++) {
            const struct client *client = fake->batch->groups[i]->user;
            poison = poison || client->poison;
        }
        finish(fake, poison ? status : STATUS_OK);
    }
}

static void one_client_alone_waits_for_nothing(void **state) {
    (void)state;
    struct fake fake;
    set_up(&fake, 1);
    add(&fake, 0, 1, 1, 10);
    assert_int_equal(fake.writes, 1);
    finish(&fake, STATUS_OK);
    assert_int_equal(clients[0].told, 1);
    assert_int_equal(clients[0].group.verdict, PILE_VERDICT_DONE);
    assert_true(pile_is_idle(fake.pile));
    pile_free(&fake.pile);
}

static void what_waits_is_merged_up_to_a_thousand_rows(void **state) {
    (void)state;
    struct fake fake;
    set_up(&fake, 1);
    for (uint8_t i = 0; i < 30; i++)
        add(&fake, i, i, (uint8_t)(i % 3), 99); // with its audit row 100
    assert_int_equal(fake.writes, 1);
    while (fake.batch != NULL)
        finish(&fake, STATUS_OK);
    const size_t expected[] = {1, 10, 10, 9};
    assert_int_equal(fake.writes, 4);
    assert_memory_equal(fake.batch_sizes, expected, sizeof(expected));
    for (size_t i = 0; i < 30; i++)
        assert_int_equal(clients[i].order, i + 1); // in the order they came
    pile_free(&fake.pile);
}

static void a_group_larger_than_a_batch_goes_alone(void **state) {
    (void)state;
    struct fake fake;
    set_up(&fake, 1);
    add(&fake, 0, 0, 1, 1);
    add(&fake, 1, 1, 1, 5 * PILE_BATCH_ROWS);
    add(&fake, 2, 2, 1, 1);
    while (fake.batch != NULL)
        finish(&fake, STATUS_OK);
    assert_int_equal(fake.writes, 3);
    pile_free(&fake.pile);
}

static void one_device_and_stream_never_twice_in_a_batch(void **state) {
    (void)state;
    struct fake fake;
    set_up(&fake, 1);
    add(&fake, 0, 9, 9, 1);
    add(&fake, 1, 1, 1, 1);
    add(&fake, 2, 1, 1, 1); // the same device and stream: must wait for the one before
    add(&fake, 3, 2, 1, 1); // another device may go at once
    finish(&fake, STATUS_OK);
    assert_int_equal(fake.batch_sizes[1], 2);
    assert_ptr_equal(fake.batch->groups[0], &clients[1].group);
    assert_ptr_equal(fake.batch->groups[1], &clients[3].group);
    finish(&fake, STATUS_OK);
    assert_ptr_equal(fake.batch->groups[0], &clients[2].group);
    finish(&fake, STATUS_OK);
    assert_true(clients[1].order < clients[2].order);
    assert_true(pile_is_idle(fake.pile));
    pile_free(&fake.pile);
}

static void a_held_group_is_not_overtaken_by_its_device(void **state) {
    (void)state;
    struct fake fake;
    set_up(&fake, 1);
    add(&fake, 0, 1, 1, 1)->keep_held = true;
    add(&fake, 1, 1, 1, 1);
    add(&fake, 2, 2, 1, 1);
    finish(&fake, STATUS_OK);
    assert_int_equal(clients[0].told, 1);
    assert_int_equal(fake.batch->n_groups, 1);
    assert_ptr_equal(fake.batch->groups[0], &clients[2].group);
    finish(&fake, STATUS_OK);
    assert_null(fake.batch); // only the blocked one waits
    assert_false(pile_is_idle(fake.pile));

    clients[0].keep_held = false;
    pile_again(fake.pile, &clients[0].group); // another round, first
    assert_ptr_equal(fake.batch->groups[0], &clients[0].group);
    finish(&fake, STATUS_OK);
    assert_int_equal(clients[0].told, 2);
    assert_ptr_equal(fake.batch->groups[0], &clients[1].group);
    finish(&fake, STATUS_OK);
    assert_true(pile_is_idle(fake.pile));
    pile_free(&fake.pile);
}

static void roster_operations_are_a_call_of_their_own(void **state) {
    (void)state;
    struct fake fake;
    set_up(&fake, 1);
    add(&fake, 0, 1, 1, 1);
    clients[2].group.alone = true;
    for (uint8_t i = 1; i < 5; i++)
        add(&fake, i, (uint8_t)(i + 1), 1, 1);
    while (fake.batch != NULL)
        finish(&fake, STATUS_OK);
    const size_t expected[] = {1, 1, 1, 2};
    assert_int_equal(fake.writes, 4);
    assert_memory_equal(fake.batch_sizes, expected, sizeof(expected));
    pile_free(&fake.pile);
}

static void one_bad_group_does_not_fail_the_others(void **state) {
    (void)state;
    const enum status statuses[] = {STATUS_EXISTS, STATUS_INVALID};
    const enum pile_verdict verdicts[] = {PILE_VERDICT_CLASH, PILE_VERDICT_FAILED};
    for (size_t round = 0; round < 2; round++) {
        struct fake fake;
        set_up(&fake, 1);
        add(&fake, 0, 0, 1, 1);
        clients[37].poison = true;
        for (uint8_t i = 1; i < 101; i++)
            add(&fake, i, i, 1, 1);
        run_poisoned(&fake, statuses[round]);
        for (size_t i = 0; i < 101; i++) {
            assert_int_equal(clients[i].told, 1);
            assert_int_equal(clients[i].group.verdict,
                             i == 37 ? verdicts[round] : PILE_VERDICT_DONE);
            assert_int_equal(clients[i].order, i + 1);
        }
        assert_in_range(fake.writes, 3, 20); // halving, then growing again: not one by one
        assert_true(pile_is_idle(fake.pile));
        pile_free(&fake.pile);
    }
}

static void a_broken_connection_is_tried_again_then_reported(void **state) {
    (void)state;
    struct fake fake;
    set_up(&fake, 1);
    add(&fake, 0, 0, 1, 1);
    finish(&fake, STATUS_IO);
    assert_int_equal(clients[0].told, 0);
    assert_int_equal(fake.batch->tries, 2);
    finish(&fake, STATUS_OK);
    assert_int_equal(clients[0].group.verdict, PILE_VERDICT_DONE);

    add(&fake, 1, 1, 1, 1);
    for (unsigned i = 0; i < PILE_MAX_TRIES; i++)
        finish(&fake, STATUS_IO);
    assert_int_equal(clients[1].told, 1);
    assert_int_equal(clients[1].group.verdict, PILE_VERDICT_AWAY);
    assert_true(pile_is_idle(fake.pile));
    pile_free(&fake.pile);
}

static void nobody_waits_for_a_database_that_is_away(void **state) {
    (void)state;
    struct fake fake;
    set_up(&fake, 1);
    for (uint8_t i = 0; i < 5; i++)
        add(&fake, i, i, 1, 1);
    finish(&fake, STATUS_AGAIN);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(clients[i].group.verdict, PILE_VERDICT_AWAY);
    assert_null(fake.batch);
    assert_true(pile_is_idle(fake.pile));
    pile_free(&fake.pile);
}

static void streams_keep_to_their_route(void **state) {
    (void)state;
    struct fake fake;
    set_up(&fake, 4);
    bool used[4] = {false};
    for (uint8_t i = 0; i < 40; i++) {
        add(&fake, i, i, i, 1);
        if (fake.batch == NULL)
            continue;
        used[fake.batch->route] = true;
        unsigned route = fake.batch->route;
        finish(&fake, STATUS_OK);
        add(&fake, (size_t)i + 100, i, i, 1); // the same stream again
        assert_int_equal(fake.batch->route, route);
        finish(&fake, STATUS_OK);
    }
    assert_true(used[0] && used[1] && used[2] && used[3]);
    pile_free(&fake.pile);
}

static void too_much_waiting_is_refused(void **state) {
    (void)state;
    struct fake fake;
    set_up(&fake, 1);
    add(&fake, 0, 0, 1, 1);
    add(&fake, 1, 1, 1, PILE_WAITING_ROWS - 100);
    struct client *late = &clients[2];
    late->fake = &fake;
    late->group =
        (struct pile_group){.device = late->device, .n_facts = 100, .done = on_done, .user = late};
    assert_int_equal(pile_add(fake.pile, &late->group), STATUS_LIMIT);
    while (fake.batch != NULL)
        finish(&fake, STATUS_OK);
    assert_int_equal(late->told, 0);
    assert_int_equal(pile_add(fake.pile, &late->group), STATUS_OK);
    finish(&fake, STATUS_OK);
    pile_free(&fake.pile);
}

static void at_the_end_everybody_is_told(void **state) {
    (void)state;
    struct fake fake;
    set_up(&fake, 1);
    add(&fake, 0, 1, 1, 1)->keep_held = true;
    add(&fake, 1, 1, 1, 1);
    finish(&fake, STATUS_OK);
    pile_free(&fake.pile);
    assert_int_equal(clients[1].told, 1);
    assert_int_equal(clients[1].group.verdict, PILE_VERDICT_AWAY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_client_alone_waits_for_nothing),
        cmocka_unit_test(what_waits_is_merged_up_to_a_thousand_rows),
        cmocka_unit_test(a_group_larger_than_a_batch_goes_alone),
        cmocka_unit_test(one_device_and_stream_never_twice_in_a_batch),
        cmocka_unit_test(a_held_group_is_not_overtaken_by_its_device),
        cmocka_unit_test(roster_operations_are_a_call_of_their_own),
        cmocka_unit_test(one_bad_group_does_not_fail_the_others),
        cmocka_unit_test(a_broken_connection_is_tried_again_then_reported),
        cmocka_unit_test(nobody_waits_for_a_database_that_is_away),
        cmocka_unit_test(streams_keep_to_their_route),
        cmocka_unit_test(too_much_waiting_is_refused),
        cmocka_unit_test(at_the_end_everybody_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
