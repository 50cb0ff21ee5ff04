// PEM: files, and the keys and certificates in them, one behind the other. The one reader of all
// of them: it never asks for a password on a terminal, and leaves OpenSSL's error queue empty. What
// it makes is the caller's to free.
#pragma once

#include <openssl/types.h>

#include "common/base/buf.h"
#include "common/base/status.h"
#include "common/base/view.h"

// Appends the file. STATUS_IO: errno says why.
enum status pem_read_file(const char *path, struct buf *out_bytes) MUST_USE;
// Frees what may have been a secret, wiped.
void pem_forget(struct buf *bytes);

// A place in the bytes, which must live as long; BIO_free ends it. NULL: no bytes, or no memory.
BIO *pem_open(struct view pem);
// The next of its kind; NULL: there is none, or it is encrypted.
X509 *pem_next_certificate(BIO *place);
EVP_PKEY *pem_next_private_key(BIO *place);
EVP_PKEY *pem_next_public_key(BIO *place);
