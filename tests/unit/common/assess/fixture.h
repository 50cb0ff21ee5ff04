// What the tests of common/assess share: a scheme from a file or from text, a subject and short
// ways to say what it did. Owned by the test that opens it.
#pragma once

#include "common/assess/assess.h"
#include "common/assess/receipt.h"
#include "common/assess/scheme_yaml.h"

#define FIXTURE_FACTS 4096
#define FIXTURE_BELOW 256
#define HEFEI "deploy/schemes/hefei-2021.yaml"

struct fixture {
    struct arena *arena; // owns
    const struct scheme *scheme;
    struct fact facts[FIXTURE_FACTS];
    size_t n_facts;
    struct home homes[8];
    size_t n_homes;
    struct selection selections[64];
    size_t n_selections;
    struct summary below[FIXTURE_BELOW];
    size_t n_below;
    struct summary holders[8];
    size_t n_holders;
    enum subject_kind kind;
    bool lead_school;
    bool obliged;
    uint32_t next_id;
    struct standing standing; // of the last run
};

// Fails the test when the scheme does not compile, and prints why.
struct fixture *fixture_open(const char *file, enum subject_kind kind);
struct fixture *fixture_open_text(const char *yaml, enum subject_kind kind);
void fixture_close(struct fixture **fixture);
void fixture_clear(struct fixture *fixture); // keeps scheme, homes and choices

// A file as text in the arena.
struct view fixture_read(const char *file, struct arena *arena);
struct uuid fixture_id(uint32_t number);
int64_t fixture_time(const char *local); // "YYYY-MM-DD HH:MM[:SS]", Shanghai
int32_t fixture_day(const char *day);

// Each adds one fact and returns it.
struct fact *add_fact(struct fixture *fixture, Lx__FactKind kind, const char *item,
                      const char *when);
struct fact *add_watch(struct fixture *fixture, const char *course, const char *from,
                       int64_t seconds);
struct fact *add_hours(struct fixture *fixture, const char *activity, int64_t hundredths,
                       const char *when);
struct fact *add_grade(struct fixture *fixture, const char *rule, const struct fact *of,
                       int64_t hundredths, const char *when);
struct fact *add_about(struct fixture *fixture, Lx__FactKind kind, const struct fact *of,
                       const char *when);
// Handed in and accepted a day later.
struct fact *add_accepted(struct fixture *fixture, const char *rule, const char *when);
// The school of the fixture's teacher (fixture_id(1000)) chose the course.
void add_choice(struct fixture *fixture, const char *course, const char *when);

// Assesses the subject on a day; fails the test when assess fails.
const struct standing *run(struct fixture *fixture, const char *as_of);
enum status try_run(struct fixture *fixture,
                    int32_t as_of) MUST_USE; // may fail, for want of memory
// Of the last run; fails the test when there is no such line.
const struct line *line_of(const struct fixture *fixture, const char *rule);
int64_t points_of(const struct fixture *fixture, const char *rule);
const Lx__ReceiptLine *receipt_line(struct fixture *fixture, const char *rule);

// A hefei teacher with everything but `minutes` of watching spread over July and `hours` of
// school-based work.
void add_hefei_teacher(struct fixture *fixture, int64_t minutes, int64_t hours_hundredths,
                       int64_t grade_hundredths);
