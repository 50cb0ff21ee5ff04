// The table of configuration keys and everything that reads it: defaults, file, --set,
// --show-config.
#include "server/config.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"

#define TEXT(name, default_value, reloadable, help)                                                \
    {                                                                                              \
#name, CONFIG_TYPE_TEXT, offsetof(struct config, name), default_value, 0,                  \
            (int)sizeof(((struct config *)0)->name) - 1, reloadable, help                          \
    }
#define INT(name, default_value, min, max, reloadable, help)                                       \
    {                                                                                              \
#name, CONFIG_TYPE_INT, offsetof(struct config, name), default_value, min, max,            \
            reloadable, help                                                                       \
    }

const struct config_key CONFIG_KEYS[] = {
    TEXT(listen, "127.0.0.1", false, "numeric address to listen on, v4 or v6"),
    INT(port, "7443", 0, 65535, false, "TCP port; 0 takes a free one, the log says which"),
    INT(workers, "0", 0, 64, false, "worker processes; 0 makes one per 4 processors"),
    TEXT(dsn_api, "", false, "libpq connection string of the workers (role lianxiao_api)"),
    TEXT(dsn_auth, "", false, "the same for logins and devices; empty takes dsn_api"),
    TEXT(dsn_assessor, "", false, "of the assessor (role lianxiao_assessor); empty starts none"),
    INT(db_readers, "2", 1, 64, false, "reading connections per worker, pipelined"),
    INT(db_writers, "3", 1, 64, false,
        "writing connections per worker: while one waits for the disk, others work"),
    INT(db_depth, "64", 1, 1000, false, "calls in flight per reading connection"),
    INT(db_wait_ms, "5000", 100, 60000, false, "how long a call waits for a connection"),
    TEXT(cert, "", true, "the server's certificate chain, PEM file"),
    TEXT(key, "", true, "its private key, PEM file"),
    TEXT(ca_cert, "", true, "certificate of the CA of the devices, PEM file"),
    TEXT(ca_key, "", true, "its private key; empty: this node enrols no device"),
    TEXT(security_journal, "", false,
         "file, off the database's machine: what was revoked stays so after a restore"),
    TEXT(bundle_cert, "", true,
         "certificates that bundles are encrypted to, PEM; empty: none taken"),
    TEXT(bundle_key, "", true, "their private keys, PEM file"),
    INT(bundles_per_minute, "600", 1, 1000000, true, "parts of bundles that one login may carry"),
    INT(max_connections, "20000", 1, 1000000, true, "client connections of all workers together"),
    INT(accept_budget, "10", 1, 1000, true, "connections taken at a time before others are served"),
    INT(handshake_timeout_ms, "10000", 100, 600000, true,
        "from accept to the end of the handshake"),
    INT(hello_timeout_ms, "60000", 100, 600000, true, "from there to a login or enrolment"),
    INT(frame_timeout_ms, "30000", 100, 600000, true, "from the first byte of a frame to its last"),
    INT(write_timeout_ms, "60000", 100, 600000, true, "a peer that takes nothing of its answers"),
    INT(idle_timeout_ms, "900000", 100, 86400000, true, "a logged-in peer that sends nothing"),
    INT(max_unsent_bytes, "1048576", 65536, 67108864, true, "unsent answers that stop the reading"),
    INT(request_memory_bytes, "33554432", 65536, 1073741824, true, "memory of one request"),
    INT(threads, "2", 1, 64, false, "threads per worker for passwords and certificates"),
    INT(thread_queue, "64", 1, 10000, false, "jobs that may wait for them"),
    INT(session_idle_minutes, "720", 1, 100000, true, "a login unused for so long ends"),
    INT(session_hours, "720", 1, 10000, true, "a login ends after so long in any case"),
    INT(drain_timeout_ms, "10000", 0, 600000, true, "SIGTERM: what is in flight may take so long"),
    TEXT(audit_key, "", false, "private key that signs the audit chain, PEM file; empty: no seals"),
    TEXT(audit_hash, "sha256", false, "hash of the audit chain: sha256 or sm3"),
    INT(audit_interval_ms, "1000", 50, 3600000, false, "between two seals of a district"),
    TEXT(checks, "both", false, "both, server_only or sql_only: permission layers (tests)"),
    TEXT(log_level, "info", true, "debug, info, warning or error"),
};

const size_t CONFIG_KEY_COUNT = sizeof CONFIG_KEYS / sizeof CONFIG_KEYS[0];

static const struct config_key *find_key(const char *name) {
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++)
        if (strcmp(CONFIG_KEYS[i].name, name) == 0)
            return &CONFIG_KEYS[i];
    return NULL;
}

static char *text_at(const struct config *config, const struct config_key *key) {
    return (char *)config + key->offset;
}

static int *int_at(const struct config *config, const struct config_key *key) {
    return (int *)((char *)config + key->offset);
}

static enum status set_int(struct config *config, const struct config_key *key, const char *value,
                           FILE *errors) {
    char *end;
    errno = 0;
    long number = strtol(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || number < key->min || number > key->max) {
        fprintf(errors, "%s: \"%s\" is not a whole number from %d to %d\n", key->name, value,
                key->min, key->max);
        return STATUS_INVALID;
    }
    *int_at(config, key) = (int)number;
    return STATUS_OK;
}

// Values of the keys that take one of a few words.
static const struct {
    const char *key;
    const char *words[5];
} CHOICES[] = {
    {"audit_hash", {"sha256", "sm3"}},
    {"checks", {"both", "server_only", "sql_only"}},
    {"log_level", {"debug", "info", "warning", "error"}},
};

static enum status check_choice(const struct config_key *key, const char *value, FILE *errors) {
    for (size_t i = 0; i < sizeof CHOICES / sizeof CHOICES[0]; i++) {
        if (strcmp(CHOICES[i].key, key->name) != 0)
            continue;
        for (const char *const *word = CHOICES[i].words; *word != NULL; word++)
            if (strcmp(*word, value) == 0)
                return STATUS_OK;
        fprintf(errors, "%s: \"%s\" is not one of", key->name, value);
        for (const char *const *word = CHOICES[i].words; *word != NULL; word++)
            fprintf(errors, " %s", *word);
        fputc('\n', errors);
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

enum status config_set(struct config *config, const char *name, const char *value, FILE *errors) {
    const struct config_key *key = find_key(name);
    if (key == NULL) {
        fprintf(errors, "there is no setting \"%s\"; --show-config lists all\n", name);
        return STATUS_INVALID;
    }
    if (key->type == CONFIG_TYPE_INT)
        return set_int(config, key, value, errors);
    if (strlen(value) > (size_t)key->max) {
        fprintf(errors, "%s: longer than %d bytes\n", name, key->max);
        return STATUS_INVALID;
    }
    TRY(check_choice(key, value, errors));
    strcpy(text_at(config, key), value);
    return STATUS_OK;
}

void config_set_defaults(struct config *config) {
    memset(config, 0, sizeof *config);
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++)
        if (config_set(config, CONFIG_KEYS[i].name, CONFIG_KEYS[i].default_value, stderr) !=
            STATUS_OK)
            abort(); // the table contradicts itself
}

static char *trim(char *text) {
    text += strspn(text, " \t");
    size_t size = strlen(text);
    while (size > 0 && strchr(" \t\r\n", text[size - 1]) != NULL)
        text[--size] = '\0';
    return text;
}

static enum status read_line(struct config *config, char *line, FILE *errors) {
    char *text = trim(line);
    if (*text == '\0' || *text == '#')
        return STATUS_OK;
    char *equals = strchr(text, '=');
    if (equals == NULL) {
        fprintf(errors, "\"%s\" is not \"key = value\"\n", text);
        return STATUS_INVALID;
    }
    *equals = '\0';
    return config_set(config, trim(text), trim(equals + 1), errors);
}

enum status config_read_file(struct config *config, const char *path, FILE *errors) {
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        fprintf(errors, "%s: %s\n", path, strerror(errno));
        return STATUS_IO;
    }
    char line[CONFIG_TEXT_SIZE + 128];
    enum status status = STATUS_OK;
    for (int number = 1; status == STATUS_OK && fgets(line, sizeof line, file) != NULL; number++) {
        bool whole = strchr(line, '\n') != NULL || feof(file); // else its rest would be a line, too
        if (!whole)
            fprintf(errors, "the line is longer than %zu bytes\n", sizeof line - 1);
        status = whole ? read_line(config, line, errors) : STATUS_INVALID;
        if (status != STATUS_OK)
            fprintf(errors, "%s: line %d\n", path, number);
    }
    fclose(file);
    return status;
}

static enum status apply_set(struct config *config, const char *assignment, FILE *errors) {
    char line[CONFIG_TEXT_SIZE + 128];
    if (strlen(assignment) >= sizeof line || strchr(assignment, '=') == NULL) {
        fprintf(errors, "--set %s: not key=value\n", assignment);
        return STATUS_INVALID;
    }
    strcpy(line, assignment);
    return read_line(config, line, errors);
}

enum status config_load(struct config *config, const struct config_source *source, FILE *errors) {
    config_set_defaults(config);
    if (source->file != NULL)
        TRY(config_read_file(config, source->file, errors));
    for (size_t i = 0; i < source->n_sets; i++)
        TRY(apply_set(config, source->sets[i], errors));
    return STATUS_OK;
}

static bool is_same(const struct config *a, const struct config *b, const struct config_key *key) {
    return key->type == CONFIG_TYPE_INT ? *int_at(a, key) == *int_at(b, key)
                                        : strcmp(text_at(a, key), text_at(b, key)) == 0;
}

void config_reload(struct config *config, const struct config *fresh) {
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
        const struct config_key *key = &CONFIG_KEYS[i];
        if (is_same(config, fresh, key))
            continue;
        if (!key->reloadable)
            log_warning("setting %s has changed and needs a restart", key->name);
        else if (key->type == CONFIG_TYPE_INT)
            *int_at(config, key) = *int_at(fresh, key);
        else
            strcpy(text_at(config, key), text_at(fresh, key));
    }
}

void config_show(const struct config *config, FILE *out) {
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
        const struct config_key *key = &CONFIG_KEYS[i];
        fprintf(out, "# %s%s\n", key->help, key->reloadable ? " (reloadable)" : "");
        if (key->type == CONFIG_TYPE_INT)
            fprintf(out, "%s = %d\n", key->name, *int_at(config, key));
        else
            fprintf(out, "%s = %s\n", key->name, text_at(config, key));
    }
}

bool config_checks_server(const struct config *config) {
    return strcmp(config->checks, "sql_only") != 0;
}
