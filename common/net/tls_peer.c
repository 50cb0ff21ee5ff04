// tls_forget_peer.
#include <openssl/x509.h>

#include "common/net/tls_internal.h"

// A certificate of nobody: serial 1, names without parts, 1970, a key of the algorithm 0.0, which
// nobody knows, so that none is decoded.
static const unsigned char NOBODY[] = {
    0x30, 0x40, 0x30, 0x36, 0x02, 0x01, 0x01, 0x30, 0x03, 0x06, 0x01, 0x00, 0x30, 0x00,
    0x30, 0x1e, 0x17, 0x0d, '7',  '0',  '0',  '1',  '0',  '1',  '0',  '0',  '0',  '0',
    '0',  '0',  'Z',  0x17, 0x0d, '7',  '0',  '0',  '1',  '0',  '1',  '0',  '0',  '0',
    '0',  '0',  '0',  'Z',  0x30, 0x00, 0x30, 0x08, 0x30, 0x03, 0x06, 0x01, 0x00, 0x03,
    0x01, 0x00, 0x30, 0x03, 0x06, 0x01, 0x00, 0x03, 0x01, 0x00,
};

// Decoded into the object that is there. When memory runs out on the way, OpenSSL frees the object,
// which then is only one reference less; what was not replaced yet stays.
void tls_forget_peer(X509 *certificate) {
    const unsigned char *at = NOBODY;
    X509_up_ref(certificate);
    if (d2i_X509(&certificate, &at, sizeof NOBODY) != NULL)
        X509_free(certificate);
}
