// tls_forget_key. A file of its own, since it needs what OpenSSL 3 calls deprecated: a certificate
// takes only a key that it can encode, and for keys of providers that means to collect all encoders
// there are, which costs as much as a signature and a half in every handshake. Keys of the former
// kind encode themselves.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <pthread.h>

#include "common/net/tls_internal.h"

static EVP_PKEY *stand_in; // of the process; NULL: there was no memory for it

// The curve's generator: whoever looks at it sees that it is nobody's.
static void make_stand_in(void) {
    EC_KEY *ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
    const EC_GROUP *group = ec != NULL ? EC_KEY_get0_group(ec) : NULL;
    EVP_PKEY *key = EVP_PKEY_new();
    if (group != NULL && key != NULL &&
        EC_KEY_set_public_key(ec, EC_GROUP_get0_generator(group)) == 1 &&
        EVP_PKEY_set1_EC_KEY(key, ec) == 1)
        stand_in = key;
    else
        EVP_PKEY_free(key);
    EC_KEY_free(ec);
}

void tls_forget_key(X509 *certificate) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_stand_in);
    if (stand_in != NULL)
        (void)X509_set_pubkey(certificate, stand_in);
}
