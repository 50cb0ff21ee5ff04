// `audit key`, `audit export`, `audit verify`: the key that signs the audit chain, heads for
// somebody to keep outside the database, and the chain's verification against the tables and such
// heads.
//
// A file of heads is text: a first line, then "head DISTRICT NUMBER ALGORITHM MILLISECONDS HASH"
// each, and the public keys (PEM). lianxiao audit export writes the same without keys.
#include "server/ctl/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/buf.h"
#include "server/audit/key.h"
#include "server/audit/verify.h"

#define FIRST_LINE "lianxiao audit heads 1"
#define WITNESSES_MOST 10000
#define LINES_MOST 100 // whoever has more findings needs no list but a backup

// ---- the key ----

enum ctl_exit ctl_audit_key(struct ctl *ctl) {
    const char *dir = ctl->arguments[0];
    struct buf private_pem = {0}, public_pem = {0};
    if (mkdir(dir, 0755) != 0 && errno != EEXIST)
        return ctl_unreachable("%s: %s", dir, strerror(errno));
    enum status status = audit_key_create(&private_pem, &public_pem);
    const char *private_path = arena_format(ctl->arena, "%s/audit.key", dir);
    const char *public_path = arena_format(ctl->arena, "%s/audit.pub", dir);
    enum ctl_exit exit_code = CTL_EXIT_DONE;
    if (status != STATUS_OK || private_path == NULL || public_path == NULL)
        exit_code = ctl_unreachable("the key could not be made");
    if (exit_code == CTL_EXIT_DONE)
        exit_code = ctl_write_new_file(private_path, buf_view(&private_pem), 0600);
    if (exit_code == CTL_EXIT_DONE)
        exit_code = ctl_write_new_file(public_path, buf_view(&public_pem), 0644);
    if (exit_code == CTL_EXIT_DONE)
        printf("%s\n%s\n", private_path, public_path);
    buf_free(&private_pem);
    buf_free(&public_pem);
    return exit_code;
}

// ---- export ----

enum { HEAD_DISTRICT, HEAD_NUMBER, HEAD_HASH, HEAD_ALGORITHM, HEAD_SEALED_AT };

static enum status write_head(struct buf *out, const struct db_result *result, int row) {
    struct view hash = db_bytea(result, row, HEAD_HASH);
    const char *algorithm = seal_algorithm_name(db_int8(result, row, HEAD_ALGORITHM));
    TRY(buf_format(out, "head %lld %lld %s %lld ", (long long)db_int8(result, row, HEAD_DISTRICT),
                   (long long)db_int8(result, row, HEAD_NUMBER),
                   algorithm != NULL ? algorithm : "unknown",
                   (long long)db_timestamptz_ms(result, row, HEAD_SEALED_AT)));
    for (size_t i = 0; i < hash.size; i++)
        TRY(buf_format(out, "%02x", hash.data[i]));
    return buf_append_string(out, "\n");
}

static enum status write_heads(struct buf *out, const struct db_result *result, struct view key) {
    TRY(buf_append_string(out, FIRST_LINE "\n"));
    for (int row = 0; row < db_rows(result); row++)
        TRY(write_head(out, result, row));
    return buf_append(out, key.data, key.size);
}

enum ctl_exit ctl_audit_export(struct ctl *ctl) {
    const char *key_path = ctl_value(ctl, "key");
    struct view key = {NULL, 0};
    struct db_result *result = NULL;
    struct buf out = {0};
    enum ctl_exit exit_code = CTL_EXIT_DONE;
    if (key_path != NULL)
        exit_code = ctl_read_file(ctl, key_path, &key);
    if (exit_code == CTL_EXIT_DONE)
        exit_code = ctl_query(
            ctl, "select district, number, hash, algorithm, sealed_at from lx.seal_heads()", NULL,
            &result);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    enum status status = write_heads(&out, result, key);
    exit_code = status == STATUS_OK ? ctl_write_new_file(ctl->arguments[0], buf_view(&out), 0644)
                                    : ctl_unreachable("out of memory");
    if (exit_code == CTL_EXIT_DONE)
        printf("%d heads\n", db_rows(result));
    db_sync_free_result(&result);
    buf_free(&out);
    return exit_code;
}

// ---- what to verify against ----

static bool read_hash(const char *hex, size_t size, uint8_t out_hash[SEAL_HASH_SIZE]) {
    if (size != 2 * SEAL_HASH_SIZE)
        return false;
    for (size_t i = 0; i < SEAL_HASH_SIZE; i++) {
        char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        char *end;
        out_hash[i] = (uint8_t)strtoul(digits, &end, 16);
        if (*end != '\0')
            return false;
    }
    return true;
}

static struct audit_witness *add_witness(struct audit_options *options) {
    return options->n_witnesses < WITNESSES_MOST ? &options->witnesses[options->n_witnesses++]
                                                 : NULL;
}

static enum ctl_exit read_head_line(struct audit_options *options, const char *path,
                                    const char *line) {
    char hex[2 * SEAL_HASH_SIZE + 2] = "";
    struct audit_witness read = {0};
    long long number = 0;
    if (sscanf(line, "head %d %lld %*s %*d %65[0-9a-f]", &read.district, &number, hex) != 3 ||
        !read_hash(hex, strlen(hex), read.hash))
        return ctl_refuse("%s: not a head: %s", path, line);
    struct audit_witness *witness = add_witness(options);
    if (witness == NULL)
        return ctl_refuse("%s: more than %d heads", path, WITNESSES_MOST);
    read.number = number;
    *witness = read;
    return CTL_EXIT_DONE;
}

static enum ctl_exit read_heads(struct ctl *ctl, const char *path, struct view text,
                                struct audit_options *options) {
    char *rest = arena_string(ctl->arena, text);
    if (rest == NULL)
        return ctl_unreachable("out of memory");
    char *line = strsep(&rest, "\n");
    if (strcmp(line, FIRST_LINE) != 0)
        return ctl_refuse("%s: not a file of heads", path);
    while ((line = strsep(&rest, "\n")) != NULL) {
        if (strncmp(line, "head ", 5) != 0)
            continue;
        enum ctl_exit exit_code = read_head_line(options, path, line);
        if (exit_code != CTL_EXIT_DONE)
            return exit_code;
    }
    return CTL_EXIT_DONE;
}

static enum ctl_exit read_head_option(const char *list, struct audit_options *options) {
    while (list != NULL && *list != '\0') {
        size_t size = strcspn(list, ",");
        struct audit_witness *witness = add_witness(options);
        if (witness == NULL || !read_hash(list, size, witness->hash))
            return ctl_refuse("--head: not a hash of 64 digits: %.*s", (int)size, list);
        witness->district = AUDIT_ANY_DISTRICT;
        list += size + (list[size] == ',' ? 1 : 0);
    }
    return CTL_EXIT_DONE;
}

// Keys from --key, else from the file of heads.
static enum ctl_exit read_keys(struct ctl *ctl, struct view heads, struct audit_ring **out_ring) {
    const char *path = ctl_value(ctl, "key");
    struct view text = heads;
    if (path != NULL) {
        enum ctl_exit exit_code = ctl_read_file(ctl, path, &text);
        if (exit_code != CTL_EXIT_DONE)
            return exit_code;
    }
    if (audit_ring_read(text, out_ring) == STATUS_OK)
        return CTL_EXIT_DONE;
    return ctl_refuse("no public key: --key FILE names audit.pub, which ca init has made");
}

static enum ctl_exit read_options(struct ctl *ctl, struct audit_options *options,
                                  struct audit_ring **out_ring) {
    const char *from = ctl_value(ctl, "from");
    struct view heads = {NULL, 0};
    enum ctl_exit exit_code = CTL_EXIT_DONE;
    options->witnesses = arena_array(ctl->arena, WITNESSES_MOST, sizeof *options->witnesses);
    if (options->witnesses == NULL)
        return ctl_unreachable("out of memory");
    if (from != NULL)
        exit_code = ctl_read_file(ctl, from, &heads);
    if (exit_code == CTL_EXIT_DONE && from != NULL)
        exit_code = read_heads(ctl, from, heads, options);
    if (exit_code == CTL_EXIT_DONE)
        exit_code = read_head_option(ctl_value(ctl, "head"), options);
    if (exit_code == CTL_EXIT_DONE)
        exit_code = read_keys(ctl, heads, out_ring);
    options->ring = *out_ring;
    return exit_code;
}

// ---- verify ----

struct printing {
    bool json;
    size_t lines;
};

// Rows are named by what the database says, which somebody may have made up.
static void print_json_text(const char *text) {
    for (const char *at = text; *at != '\0'; at++)
        putchar(*at == '"' || *at == '\\' || (unsigned char)*at < ' ' ? '?' : *at);
}

static void on_finding(void *user, const struct audit_finding *finding) {
    struct printing *printing = user;
    if (printing->lines++ >= LINES_MOST)
        return;
    if (printing->json) {
        printf("%s{\"district\":%d,\"seal\":%lld,\"row\":\"", printing->lines > 1 ? "," : "",
               finding->district, (long long)finding->seal);
        print_json_text(finding->row);
        fputs("\",\"what\":\"", stdout);
        print_json_text(finding->what);
        fputs("\"}", stdout);
        return;
    }
    printf("district %d", finding->district);
    if (finding->seal > 0)
        printf(", seal %lld", (long long)finding->seal);
    printf("%s%s: %s\n", finding->row[0] != '\0' ? ", " : "", finding->row, finding->what);
}

static void print_result(const struct audit_result *result, size_t heads, bool json) {
    printf(json ? "],\"heads\":%zu,\"seals\":%zu,\"runs\":%zu,\"actions\":%zu,\"facts\":%zu,"
                  "\"roster_rows\":%zu,\"reference_rows\":%zu,\"unsealed\":%zu,\"pruned\":%zu,"
                  "\"uncovered\":%zu,"
                  "\"wrong\":%zu}\n"
                : "%zu earlier heads, %zu seals over %zu runs and %zu actions; %zu facts and %zu "
                  "roster rows, %zu rights and units compared\n%zu rows not yet sealed, %zu runs "
                  "pruned, %zu rows from "
                  "before content hashes\n%zu findings\n",
           heads, result->seals, result->runs, result->actions, result->facts, result->roster_rows,
           result->reference_rows, result->unsealed, result->pruned, result->uncovered,
           result->findings);
}

enum ctl_exit ctl_audit_verify(struct ctl *ctl) {
    struct printing printing = {.json = ctl_value(ctl, "json") != NULL};
    struct audit_options options = {.on_finding = on_finding, .user = &printing};
    struct audit_result result = {0};
    struct audit_ring *ring = NULL;
    enum ctl_exit exit_code = read_options(ctl, &options, &ring);
    if (exit_code == CTL_EXIT_DONE) {
        if (printing.json)
            fputs("{\"findings\":[", stdout);
        enum status status = audit_verify(ctl->db, &options, &result);
        if (status != STATUS_OK)
            exit_code = ctl_database_failed(ctl, status);
        else if (result.findings > 0)
            exit_code = CTL_EXIT_DIFFERENT;
        print_result(&result, options.n_witnesses, printing.json);
    }
    audit_ring_free(&ring);
    return exit_code;
}
