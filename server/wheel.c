// Rings of nodes, one per 250 ms of deadline. See wheel.h.
#include "server/wheel.h"

void wheel_init(struct wheel *wheel, int64_t now_ms) {
    for (size_t i = 0; i < WHEEL_SLOTS; i++)
        wheel->slots[i].next = wheel->slots[i].previous = &wheel->slots[i];
    wheel->now_slot = now_ms / WHEEL_SLOT_MS;
}

void wheel_remove(struct wheel_node *node) {
    if (node->next == NULL)
        return;
    node->next->previous = node->previous;
    node->previous->next = node->next;
    node->next = node->previous = NULL;
}

void wheel_set(struct wheel *wheel, struct wheel_node *node, int64_t deadline_ms) {
    wheel_remove(node);
    node->deadline_ms = deadline_ms;
    int64_t slot = deadline_ms / WHEEL_SLOT_MS + 1; // never early
    if (slot <= wheel->now_slot)
        slot = wheel->now_slot + 1;
    struct wheel_node *head = &wheel->slots[slot % WHEEL_SLOTS];
    node->next = head;
    node->previous = head->previous;
    head->previous->next = node;
    head->previous = node;
}

static void visit_slot(struct wheel *wheel, struct wheel_node *head, int64_t now_ms,
                       wheel_due_fn due, void *user) {
    // `due` may remove any node, so the ring is emptied from its front; those of later turns go
    // back.
    struct wheel_node later = {&later, &later, 0};
    while (head->next != head) {
        struct wheel_node *node = head->next;
        wheel_remove(node);
        if (node->deadline_ms <= now_ms) {
            due(node, user);
            continue;
        }
        node->next = &later;
        node->previous = later.previous;
        later.previous->next = node;
        later.previous = node;
    }
    while (later.next != &later)
        wheel_set(wheel, later.next, later.next->deadline_ms);
}

void wheel_advance(struct wheel *wheel, int64_t now_ms, wheel_due_fn due, void *user) {
    int64_t target = now_ms / WHEEL_SLOT_MS;
    if (target - wheel->now_slot > WHEEL_SLOTS) // asleep for longer than a turn: each slot once
        wheel->now_slot = target - WHEEL_SLOTS;
    while (wheel->now_slot < target) {
        wheel->now_slot++;
        visit_slot(wheel, &wheel->slots[wheel->now_slot % WHEEL_SLOTS], now_ms, due, user);
    }
}
