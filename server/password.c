// Passwords by libxcrypt's crypt_ra (the reentrant form: threads of the pool run it side by side).
#include "server/password.h"

#include <crypt.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "common/text/utf8.h"

#define YESCRYPT_COST 5 // Debian's own default: about 10 ms and 16 MiB a hash

// What an unknown account's password is compared with: same scheme, same cost, and no password is
// known for it.
static const char DUMMY_SETTING[] = "$y$j9T$J3Pj5pkbUGOpGJ7WnAzmv1";

// Nobody sees what he types: a stray key's or a pasted line's control character would lock him out.
bool password_is_acceptable(struct view password) {
    size_t characters = utf8_count(password);
    return utf8_check_name(password, NULL) == UTF8_FLAW_NONE &&
           password.size <= PASSWORD_MAX_BYTES && characters >= PASSWORD_MIN_CHARACTERS &&
           characters <= PASSWORD_MAX_CHARACTERS;
}

// crypt wants a NUL-terminated phrase; a NUL inside or too many bytes make an empty one, which no
// account has.
static void copy_phrase(struct view password, char out_phrase[PASSWORD_MAX_BYTES + 1]) {
    memset(out_phrase, 0, PASSWORD_MAX_BYTES + 1);
    if (password.size > 0 && password.size <= PASSWORD_MAX_BYTES &&
        memchr(password.data, '\0', password.size) == NULL)
        memcpy(out_phrase, password.data, password.size);
}

// The full hash of the password with a setting; NUL-terminated in out_hash.
static enum status run_crypt(struct view password, const char *setting,
                             char out_hash[PASSWORD_HASH_SIZE]) {
    char phrase[PASSWORD_MAX_BYTES + 1];
    void *room = NULL; // crypt_ra allocates it, and the caller frees it
    int room_size = 0;
    copy_phrase(password, phrase);
    errno = 0;
    const char *hash = crypt_ra(phrase, setting, &room, &room_size);
    enum status status = STATUS_OK;
    if (hash == NULL || hash[0] == '*')
        status = errno == ENOMEM ? STATUS_NO_MEMORY : STATUS_CORRUPT;
    else if (strlen(hash) >= PASSWORD_HASH_SIZE)
        status = STATUS_LIMIT;
    else
        memcpy(out_hash, hash, strlen(hash) + 1);
    explicit_bzero(phrase, sizeof(phrase));
    if (room != NULL)
        explicit_bzero(room, (size_t)room_size);
    free(room);
    return status;
}

enum status password_hash(struct view password, char out_hash[PASSWORD_HASH_SIZE]) {
    if (!password_is_acceptable(password))
        return STATUS_INVALID;
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    if (crypt_gensalt_rn("$y$", YESCRYPT_COST, NULL, 0, setting, sizeof(setting)) == NULL)
        return STATUS_IO;
    return run_crypt(password, setting, out_hash);
}

enum status password_check(struct view password, const char *stored) {
    char hash[PASSWORD_HASH_SIZE] = "";
    if (stored != NULL &&
        stored[0] != '$') // crypt would take any two letters for the ancient DES scheme
        return STATUS_CORRUPT;
    TRY(run_crypt(password, stored != NULL ? stored : DUMMY_SETTING, hash));
    if (stored == NULL || password.size == 0)
        return STATUS_DENIED;
    size_t size = strlen(stored);
    bool equal = size == strlen(hash) && CRYPTO_memcmp(hash, stored, size) == 0;
    explicit_bzero(hash, sizeof(hash));
    return equal ? STATUS_OK : STATUS_DENIED;
}
