// Allocations that fail on purpose: the n-th one that product code or SQLite asks for comes back
// empty. Product code's calls come here through the linker's --wrap, SQLite's through its own hook;
// what other libraries allocate for themselves is left alone. Calls of an arena count, too, since
// an arena has limits of its own. One thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Before the first use of SQLite.
void alloc_init(void);
// From now: the n-th allocation (1: the next) fails, and with for_good every later one. 0: none
// fails, they are counted.
void alloc_fail(uint64_t n, bool for_good);
// Ends it. How many there were since alloc_fail; alloc_failed says how many of them failed.
uint64_t alloc_end(void);
uint64_t alloc_failed(void);
// The test's own allocations in between do not count and do not fail. Nests.
void alloc_spare(bool on);
