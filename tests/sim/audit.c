// The audit chain: sealed by the assessor with a key of the simulation's, its heads kept by
// somebody outside the database now and then, and verified at the end against all of them, by the
// logic of `lianxiaoctl audit verify`.
#include "server/audit/verify.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "server/db/sync.h"
#include "tests/sim/world.h"

#define MAX_HEADS 256
#define MAX_BACKUPS 16
#define MAX_GIVEN 128

static char key_path[64]; // "": not made yet
static struct audit_ring *ring;
static struct audit_witness heads[MAX_HEADS];
static size_t n_heads;
static size_t kept[MAX_BACKUPS];     // how many there were at each backup
static struct uuid given[MAX_GIVEN]; // people and memberships of the city, made without operations
static size_t n_given;

static _Noreturn void die(void) {
    fprintf(stderr, "lx_sim: the audit key cannot be made\n");
    exit(2);
}

// The same key in every run, in a file that only this process has.
static void make_key(void) {
    static const uint8_t secret[32] = "the simulation's key of seals..";
    EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, sizeof secret);
    BIO *private_pem = BIO_new(BIO_s_mem()), *public_pem = BIO_new(BIO_s_mem());
    if (pkey == NULL ||
        PEM_write_bio_PKCS8PrivateKey(private_pem, pkey, NULL, NULL, 0, NULL, NULL) != 1 ||
        PEM_write_bio_PUBKEY(public_pem, pkey) != 1)
        die();
    char *text;
    long size = BIO_get_mem_data(private_pem, &text);
    int fd = memfd_create("audit.key", 0); // closed with the process
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file == NULL || fwrite(text, 1, (size_t)size, file) != (size_t)size || fflush(file) != 0)
        die();
    snprintf(key_path, sizeof key_path, "/proc/self/fd/%d", fd);
    size = BIO_get_mem_data(public_pem, &text);
    if (audit_ring_read(view_from(text, (size_t)size), &ring) != STATUS_OK)
        die();
    BIO_free(private_pem);
    BIO_free(public_pem);
    EVP_PKEY_free(pkey);
}

const char *audit_key_path(void) {
    if (key_path[0] == '\0')
        make_key();
    return key_path;
}

void audit_begin(void) {
    struct db_result *result =
        base_ask("select id from lx.person union all select id from lx.membership", NULL);
    n_heads = n_given = 0;
    for (int row = 0; result != NULL && row < db_rows(result) && n_given < MAX_GIVEN; row++)
        given[n_given++] = db_uuid(result, row, 0);
    base_free(&result);
}

void audit_backup(int backup) {
    kept[backup % MAX_BACKUPS] = n_heads;
}

// What was sealed since is gone with the former database; its operators know.
void audit_restore(int backup) {
    n_heads = kept[backup % MAX_BACKUPS];
}

void audit_export(void) {
    struct db_result *result = base_ask("select district, number, hash from lx.seal_heads()", NULL);
    for (int row = 0; result != NULL && row < db_rows(result) && n_heads < MAX_HEADS; row++) {
        struct audit_witness *head = &heads[n_heads++];
        *head = (struct audit_witness){.district = (int32_t)db_int8(result, row, 0),
                                       .number = db_int8(result, row, 1)};
        memcpy(head->hash, db_bytea(result, row, 2).data, SEAL_HASH_SIZE);
        count(COUNT_HEADS_EXPORTED);
    }
    trace("%zu heads of the audit chain are kept outside", n_heads);
    base_free(&result);
}

// "person ID" or "membership ID" of the city, as it was made.
static bool is_given(const struct audit_finding *found) {
    const char *space = strchr(found->row, ' ');
    struct uuid id;
    if (space == NULL || strcmp(found->what, "no operation has made it") != 0 ||
        uuid_parse(view_from_string(space + 1), &id) != STATUS_OK)
        return false;
    for (size_t i = 0; i < n_given; i++)
        if (uuid_equal(given[i], id))
            return true;
    return false;
}

static void on_finding(void *user, const struct audit_finding *found) {
    (void)user;
    if (is_given(found))
        return;
    finding("audit: district %d, seal %" PRId64 ", %s: %s", found->district, found->seal,
            found->row, found->what);
}

void audit_check(void) {
    struct db_sync *db = NULL;
    struct audit_result result = {0};
    struct audit_options options = {
        .ring = ring, .witnesses = heads, .n_witnesses = n_heads, .on_finding = on_finding};
    if (db_sync_open("none", "oracle", &db, NULL, 0) != STATUS_OK)
        abort();
    enum status status = audit_verify(db, &options, &result);
    if (status != STATUS_OK || result.seals == 0)
        finding("audit: %s, %zu seals, %s", status_name(status), result.seals, db_sync_error(db));
    for (size_t i = 0; i < n_heads; i++)
        if (!heads[i].found)
            finding("audit: head %" PRId64 " of district %d was exported and is not in the chain",
                    heads[i].number, heads[i].district);
    for (size_t i = 0; i < result.seals; i++)
        count(COUNT_SEALS);
    trace("audit: %zu seals over %zu runs and %zu actions, %zu not sealed yet", result.seals,
          result.runs, result.actions, result.unsealed);
    db_sync_close(&db);
}
