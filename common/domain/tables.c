// Markdown of the domain's tables, one function per table.
#include "common/domain/tables.h"

#include "common/domain/fact_kind.h"
#include "common/domain/role.h"

static const char *const presence_marks[] = {"–", "may", "must"};

static const char intro[] =
    "# Fact kinds, roles and capabilities\n\n"
    "Printed by `lx_print_tables` from `common/domain`; a test fails when this page differs. "
    "Hours, points and\n"
    "credits are hundredths. Every fact has id, programme, kind, subject and occurred_at_ms; the "
    "other fields are\n"
    "as listed: must, may or – (refused). About a teacher the subject is the person's id, about a "
    "workshop or a\n"
    "school the unit's id. A void needs the capability that the voided fact needed.\n\n";

static enum status write_writers(struct buf *out, const struct fact_kind_info *info) {
    const char *separator = "";
    for (enum fact_subject subject = 0; subject < FACT_SUBJECT_COUNT; subject++) {
        if (info->writers[subject] == CAPABILITY_NONE)
            continue;
        TRY(buf_format(out, "%s%s: %s", separator, fact_subject_name(subject),
                       capability_name(info->writers[subject])));
        separator = ", ";
    }
    return STATUS_OK;
}

static enum status write_bounds(struct buf *out, const struct fact_kind_info *info) {
    if (info->unit == FACT_UNIT_NONE)
        return buf_append_string(out, "–");
    return buf_format(out, "%s, %lld..%lld", fact_unit_name(info->unit),
                      (long long)info->quantity_min, (long long)info->quantity_max);
}

static enum status write_kinds(struct buf *out) {
    size_t count;
    const struct fact_kind_info *kinds = fact_kind_table(&count);
    TRY(buf_append_string(
        out, "## Fact kinds\n\n"
             "| number | kind | 中文 | says | item is | item | until_ms | quantity | of | form | "
             "source_key | submission | quantity in | about: capability |\n"
             "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n"));
    for (size_t i = 0; i < count; i++) {
        TRY(buf_format(out, "| %d | %s | %s | %s | %s |", (int)kinds[i].kind, kinds[i].name,
                       kinds[i].zh, kinds[i].en, fact_item_name(kinds[i].item)));
        for (size_t field = 0; field < FACT_FIELD_COUNT; field++)
            TRY(buf_format(out, " %s |", presence_marks[kinds[i].fields[field]]));
        TRY(buf_append_string(out, " "));
        TRY(write_bounds(out, &kinds[i]));
        TRY(buf_append_string(out, " | "));
        TRY(write_writers(out, &kinds[i]));
        TRY(buf_append_string(out, " |\n"));
    }
    return buf_append_string(
        out, "\nA grade's upper bound is the indicator's cap. A grade names `of` exactly where its "
             "indicator asks for a deliverable.\n\n");
}

static enum status write_roles(struct buf *out) {
    size_t role_count;
    size_t capability_count;
    const struct role_info *roles = role_table(&role_count);
    const struct capability_info *capabilities = capability_table(&capability_count);
    TRY(buf_append_string(
        out, "## Roles and capabilities\n\nRank: a grant gives a role of at most the giver's own "
             "rank, inside his own subtree.\n\n| bit | capability | 中文 |"));
    for (size_t i = 0; i < role_count; i++)
        TRY(buf_format(out, " %s %s (rank %u) |", roles[i].name, roles[i].zh, roles[i].rank));
    TRY(buf_append_string(out, "\n|---|---|---|"));
    for (size_t i = 0; i < role_count; i++)
        TRY(buf_append_string(out, "---|"));
    TRY(buf_append_string(out, "\n"));
    for (size_t row = 0; row < capability_count; row++) {
        TRY(buf_format(out, "| %d | %s: %s | %s |", (int)capabilities[row].capability,
                       capabilities[row].name, capabilities[row].en, capabilities[row].zh));
        for (size_t i = 0; i < role_count; i++)
            TRY(buf_append_string(
                out, role_can(roles[i].role, capabilities[row].capability) ? " yes |" : "  |"));
        TRY(buf_append_string(out, "\n"));
    }
    return STATUS_OK;
}

enum status tables_write(struct buf *out) {
    TRY(buf_append_string(out, intro));
    TRY(write_kinds(out));
    return write_roles(out);
}
