// What is measured: one teacher's records of a year, and pushes of an hour's typing.
#pragma once

#include "common/assess/assess.h"

#define SAMPLE_FACTS_MAX 128

// 40 intervals, 15 activities, a plan, a discussion, a self-test, a grade, an ability point.
// Returns their number (at most SAMPLE_FACTS_MAX).
size_t sample_facts(struct fact *facts);
// The scheme deploy/schemes/hefei-2021.yaml, from the root of the source tree; ends the program
// when it cannot be read.
const struct scheme *sample_scheme(struct arena *arena);
// A teacher with these facts.
struct assess_input sample_teacher(const struct scheme *scheme, const struct fact *facts, size_t n);
