// Reading PEM. See pem.h.
#include "common/net/pem.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

enum status pem_read_file(const char *path, struct buf *out_bytes) {
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return STATUS_IO;
    char room[4096];
    size_t size;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && (size = fread(room, 1, sizeof(room), file)) > 0)
        status = buf_append(out_bytes, room, size);
    if (ferror(file))
        status = STATUS_IO;
    fclose(file);
    explicit_bzero(room, sizeof(room));
    return status;
}

void pem_forget(struct buf *bytes) {
    if (bytes->data != NULL)
        explicit_bzero(bytes->data, bytes->capacity);
    buf_free(bytes);
}

BIO *pem_open(struct view pem) {
    return pem.size > 0 && pem.size <= INT32_MAX ? BIO_new_mem_buf(pem.data, (int)pem.size) : NULL;
}

// No password prompt: an encrypted key is not ours.
static int refuse_password(char *room, int size, int writing, void *user) {
    (void)room;
    (void)size;
    (void)writing;
    (void)user;
    return -1;
}

X509 *pem_next_certificate(BIO *place) {
    X509 *read = place != NULL ? PEM_read_bio_X509(place, NULL, refuse_password, NULL) : NULL;
    ERR_clear_error();
    return read;
}

EVP_PKEY *pem_next_private_key(BIO *place) {
    EVP_PKEY *read =
        place != NULL ? PEM_read_bio_PrivateKey(place, NULL, refuse_password, NULL) : NULL;
    ERR_clear_error();
    return read;
}

EVP_PKEY *pem_next_public_key(BIO *place) {
    EVP_PKEY *read = place != NULL ? PEM_read_bio_PUBKEY(place, NULL, refuse_password, NULL) : NULL;
    ERR_clear_error();
    return read;
}
