// The directory: sorted arrays and binary search. Matching is strict on purpose: an id that looks
// spoilt is an error, and an id that contradicts the roster is one, too.
#include "client/core/people.h"

#include <stdlib.h>
#include <string.h>

// A spreadsheet keeps this many digits of a number and writes zeros for the rest.
#define SPREADSHEET_DIGITS 15

static struct view account_of(const struct people_person *person) {
    return view_from_string(person->person->account);
}

static struct view teacher_no_of(const struct people_person *person) {
    return view_from_string(person->person->teacher_no);
}

static int compare_units(const void *a, const void *b) {
    return uuid_compare(((const struct people_unit *)a)->id, ((const struct people_unit *)b)->id);
}

static int compare_persons(const void *a, const void *b) {
    return uuid_compare(((const struct people_person *)a)->id,
                        ((const struct people_person *)b)->id);
}

static int compare_accounts(const void *a, const void *b) {
    return view_compare(account_of(*(const struct people_person *const *)a),
                        account_of(*(const struct people_person *const *)b));
}

static int compare_teacher_nos(const void *a, const void *b) {
    return view_compare(teacher_no_of(*(const struct people_person *const *)a),
                        teacher_no_of(*(const struct people_person *const *)b));
}

static bool is_digits(struct view text) {
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    return text.size > 0;
}

enum status people_index(struct people *people, struct arena *arena) {
    people->by_account = arena_array(arena, people->n_persons + 1, sizeof(void *));
    people->by_teacher_no = arena_array(arena, people->n_persons + 1, sizeof(void *));
    if (people->by_account == NULL || people->by_teacher_no == NULL)
        return STATUS_NO_MEMORY;
    people->n_by_account = people->n_by_teacher_no = people->digits_least = 0;
    if (people->n_units > 0)
        qsort(people->units, people->n_units, sizeof *people->units, compare_units);
    if (people->n_persons > 0)
        qsort(people->persons, people->n_persons, sizeof *people->persons, compare_persons);
    for (size_t i = 0; i < people->n_persons; i++) {
        const struct people_person *person = &people->persons[i];
        struct view number = teacher_no_of(person);
        if (account_of(person).size > 0)
            people->by_account[people->n_by_account++] = person;
        if (number.size > 0)
            people->by_teacher_no[people->n_by_teacher_no++] = person;
        if (is_digits(number) && (people->digits_least == 0 || number.size < people->digits_least))
            people->digits_least = number.size;
    }
    qsort(people->by_account, people->n_by_account, sizeof(void *), compare_accounts);
    qsort(people->by_teacher_no, people->n_by_teacher_no, sizeof(void *), compare_teacher_nos);
    return STATUS_OK;
}

static const struct people_person *search(const struct people_person *const *sorted, size_t count,
                                          struct view text,
                                          struct view (*value_of)(const struct people_person *)) {
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = view_compare(value_of(sorted[middle]), text);
        if (order == 0)
            return sorted[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct people_person *people_by_account(const struct people *people, struct view account) {
    return search(people->by_account, people->n_by_account, account, account_of);
}

const struct people_person *people_by_teacher_no(const struct people *people,
                                                 struct view teacher_no) {
    return search(people->by_teacher_no, people->n_by_teacher_no, teacher_no, teacher_no_of);
}

const struct people_unit *people_find_unit(const struct people *people, struct uuid id) {
    struct people_unit key = {.id = id};
    return people->n_units == 0
               ? NULL
               : bsearch(&key, people->units, people->n_units, sizeof key, compare_units);
}

const struct people_person *people_find_person(const struct people *people, struct uuid id) {
    struct people_person key = {.id = id};
    return people->n_persons == 0
               ? NULL
               : bsearch(&key, people->persons, people->n_persons, sizeof key, compare_persons);
}

const struct people_unit *people_find_school(const struct people *people, struct view text,
                                             bool *out_several) {
    const struct people_unit *found = NULL;
    *out_several = false;
    for (size_t i = 0; i < people->n_units; i++) {
        const struct people_unit *unit = &people->units[i];
        if (unit->level != LX__UNIT_LEVEL__SCHOOL)
            continue;
        if (view_equal(view_from_string(unit->code), text))
            return unit;
        if (!view_equal(view_from_string(unit->name), text))
            continue;
        *out_several = found != NULL;
        found = unit;
    }
    return *out_several ? NULL : found;
}

const struct people_unit *people_school_of(const struct people *people, struct uuid unit) {
    const struct people_unit *at = people_find_unit(people, unit);
    // Four levels: more is a loop.
    for (int step = 0; at != NULL && step < 4; step++) {
        if (at->level == LX__UNIT_LEVEL__SCHOOL)
            return at;
        at = people_find_unit(people, at->parent);
    }
    return NULL;
}

// 3.40102E+17 is what a spreadsheet makes of 340102199001011234.
enum reason_id people_check_number(struct view number) {
    size_t i = 0;
    while (i < number.size &&
           ((number.data[i] >= '0' && number.data[i] <= '9') || number.data[i] == '.'))
        i++;
    if (i == 0 || i + 1 >= number.size || (number.data[i] != 'E' && number.data[i] != 'e'))
        return REASON_NONE;
    i++;
    if (number.data[i] == '+' || number.data[i] == '-')
        i++;
    struct view exponent = view_from(number.data + i, number.size - i);
    return is_digits(exponent) && exponent.size <= 3 ? REASON_ROW_ID_SCIENTIFIC : REASON_NONE;
}

static bool has_lost_zeros(struct view known, struct view given) {
    if (known.size <= given.size)
        return false;
    size_t lost = known.size - given.size;
    for (size_t i = 0; i < lost; i++)
        if (known.data[i] != '0')
            return false;
    return memcmp(known.data + lost, given.data, given.size) == 0;
}

static bool is_rounded(struct view known, struct view given) {
    if (known.size != given.size || given.size <= SPREADSHEET_DIGITS)
        return false;
    for (size_t i = SPREADSHEET_DIGITS; i < given.size; i++)
        if (given.data[i] != '0')
            return false;
    // The digit before may have been rounded up, so one less is compared.
    return memcmp(known.data, given.data, SPREADSHEET_DIGITS - 1) == 0;
}

enum reason_id people_find_damage(const struct people *people, struct view given) {
    if (people_check_number(given) != REASON_NONE)
        return REASON_ROW_ID_SCIENTIFIC;
    if (!is_digits(given))
        return REASON_NONE;
    for (size_t i = 0; i < people->n_by_teacher_no; i++) {
        struct view known = teacher_no_of(people->by_teacher_no[i]);
        if (has_lost_zeros(known, given))
            return REASON_ROW_ID_ZEROS;
        if (is_rounded(known, given))
            return REASON_ROW_ID_ROUNDED;
    }
    return given.size < people->digits_least ? REASON_ROW_ID_TRUNCATED : REASON_NONE;
}

struct match {
    const struct people *people;
    const struct people_key *key;
    struct arena *arena;
    enum people_field field;
    Lx__Reason *reason;
};

static const struct people_person *refuse(struct match *match, enum people_field field,
                                          enum reason_id reason, struct view value) {
    const char *text = arena_string(match->arena, value);
    match->field = field;
    if (text != NULL)
        match->reason = reason_new_v(match->arena, reason, NULL, &text, value.data != NULL ? 1 : 0);
    return NULL;
}

static const struct people_person *match_name(struct match *match) {
    const struct people *people = match->people;
    const struct people_key *key = match->key;
    const struct people_person *found = NULL;
    bool several;
    if (key->school.size == 0)
        return refuse(match, PEOPLE_SCHOOL, REASON_ROW_SCHOOL_MISSING, (struct view){0});
    const struct people_unit *school = people_find_school(people, key->school, &several);
    if (school == NULL)
        return refuse(match, PEOPLE_SCHOOL, REASON_ROW_SCHOOL_UNKNOWN, key->school);
    for (size_t i = 0; i < people->n_persons; i++) {
        const struct people_person *person = &people->persons[i];
        if (!view_equal(view_from_string(person->person->name), key->name) ||
            people_school_of(people, person->home) != school)
            continue;
        if (found != NULL)
            return refuse(match, PEOPLE_NAME, REASON_ROW_PERSON_AMBIGUOUS, key->name);
        found = person;
    }
    return found != NULL ? found : refuse(match, PEOPLE_NAME, REASON_ROW_PERSON_UNKNOWN, key->name);
}

static bool differs(struct view given, struct view known) {
    return given.size > 0 && known.size > 0 && !view_equal(given, known);
}

// Whatever else the row says about the person must agree with the roster.
static const struct people_person *check_agreement(struct match *match,
                                                   const struct people_person *found) {
    const struct people_key *key = match->key;
    bool several;
    if (differs(key->account, account_of(found)))
        return refuse(match, PEOPLE_ACCOUNT, REASON_ROW_PERSON_CONFLICT, key->account);
    if (differs(key->teacher_no, teacher_no_of(found)))
        return refuse(match, PEOPLE_TEACHER_NO, REASON_ROW_PERSON_CONFLICT, key->teacher_no);
    if (differs(key->name, view_from_string(found->person->name)))
        return refuse(match, PEOPLE_NAME, REASON_ROW_PERSON_CONFLICT, key->name);
    // A teacher who has moved may still be exported with the old school, so another known school is
    // no conflict; one that does not exist is a fault of the file.
    if (key->school.size > 0 && people_find_school(match->people, key->school, &several) == NULL &&
        !several && match->people->n_units > 0)
        return refuse(match, PEOPLE_SCHOOL, REASON_ROW_SCHOOL_UNKNOWN, key->school);
    return found;
}

static const struct people_person *find_person(struct match *match) {
    const struct people_key *key = match->key;
    const struct people_person *found = NULL;
    if (people_check_number(key->account) != REASON_NONE)
        return refuse(match, PEOPLE_ACCOUNT, REASON_ROW_ID_SCIENTIFIC, key->account);
    if (key->account.size > 0)
        found = people_by_account(match->people, key->account);
    if (key->teacher_no.size > 0) {
        const struct people_person *by_number =
            people_by_teacher_no(match->people, key->teacher_no);
        enum reason_id damage =
            by_number == NULL ? people_find_damage(match->people, key->teacher_no) : REASON_NONE;
        if (damage != REASON_NONE)
            return refuse(match, PEOPLE_TEACHER_NO, damage, key->teacher_no);
        found = found != NULL ? found : by_number;
    }
    // An id that nobody has, beside a name without its school, is the id's fault.
    bool has_id = key->account.size > 0 || key->teacher_no.size > 0;
    if (found == NULL && key->name.size > 0 && (key->school.size > 0 || !has_id))
        found = match_name(match);
    else if (found == NULL && key->account.size > 0)
        return refuse(match, PEOPLE_ACCOUNT, REASON_ROW_PERSON_UNKNOWN, key->account);
    else if (found == NULL && key->teacher_no.size > 0)
        return refuse(match, PEOPLE_TEACHER_NO, REASON_ROW_PERSON_UNKNOWN, key->teacher_no);
    else if (found == NULL)
        return refuse(match, PEOPLE_ACCOUNT, REASON_ROW_PERSON_MISSING, (struct view){0});
    return found != NULL ? check_agreement(match, found) : NULL;
}

enum status people_match(const struct people *people, const struct people_key *key,
                         struct arena *arena, const struct people_person **out_person,
                         enum people_field *out_field, Lx__Reason **out_reason) {
    struct match match = {.people = people, .key = key, .arena = arena};
    *out_person = find_person(&match);
    *out_field = match.field;
    *out_reason = match.reason;
    return *out_person == NULL && match.reason == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}
