// SignedData and AuthEnvelopedData by OpenSSL. See cms.h.
#include "common/net/cms.h"

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <string.h>

#define KEY_SIZE 32
// Of a key that both sides have there is only one: the identifier says nothing.
static const unsigned char KEY_ID[] = {'r', 'e', 'c', 'e', 'i', 'p', 't'};

static BIO *open_view(struct view bytes) {
    return bytes.size > 0 && bytes.size <= INT32_MAX ? BIO_new_mem_buf(bytes.data, (int)bytes.size)
                                                     : NULL;
}

static enum status append_bio(BIO *bio, struct buf *out) {
    char *data = NULL;
    long size = BIO_get_mem_data(bio, &data);
    return size >= 0 ? buf_append(out, data, (size_t)size) : STATUS_NO_MEMORY;
}

static enum status append_message(CMS_ContentInfo *message, struct buf *out) {
    unsigned char *der = NULL;
    int size = i2d_CMS_ContentInfo(message, &der);
    enum status status = size > 0 ? buf_append(out, der, (size_t)size) : STATUS_NO_MEMORY;
    OPENSSL_free(der);
    return status;
}

// The whole view must be one message of the type, with plain data inside; else NULL.
static CMS_ContentInfo *read_message(struct view der, int type) {
    const unsigned char *end = der.data;
    CMS_ContentInfo *message =
        der.size > 0 ? d2i_CMS_ContentInfo(NULL, &end, (long)der.size) : NULL;
    if (message != NULL &&
        (end != der.data + der.size || OBJ_obj2nid(CMS_get0_type(message)) != type ||
         OBJ_obj2nid(CMS_get0_eContentType(message)) != NID_pkcs7_data)) {
        CMS_ContentInfo_free(message);
        message = NULL;
    }
    return message;
}

// ---- signed ----

enum status cms_sign(X509 *certificate, EVP_PKEY *key, struct view content, struct buf *out) {
    enum status status = STATUS_INVALID;
    BIO *bio = open_view(content);
    CMS_ContentInfo *message =
        bio != NULL ? CMS_sign(certificate, key, NULL, bio, CMS_BINARY | CMS_NOSMIMECAP) : NULL;
    if (message != NULL)
        status = append_message(message, out);
    CMS_ContentInfo_free(message);
    BIO_free(bio);
    ERR_clear_error();
    return status;
}

// One signer; SHA-256; signed attributes, without which their encoding could be taken for a content
// that the same key signed.
static bool signer_is_as_ours(CMS_ContentInfo *message) {
    STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(message);
    if (sk_CMS_SignerInfo_num(signers) != 1)
        return false;
    CMS_SignerInfo *signer = sk_CMS_SignerInfo_value(signers, 0);
    X509_ALGOR *digest = NULL;
    const ASN1_OBJECT *algorithm = NULL;
    CMS_SignerInfo_get0_algs(signer, NULL, NULL, &digest, NULL);
    X509_ALGOR_get0(&algorithm, NULL, NULL, digest);
    return OBJ_obj2nid(algorithm) == NID_sha256 && CMS_signed_get_attr_count(signer) > 0;
}

static enum status verify_into(CMS_ContentInfo *message, X509 **out_signer, struct buf *out) {
    BIO *content = BIO_new(BIO_s_mem());
    enum status status = content != NULL ? STATUS_INVALID : STATUS_NO_MEMORY;
    if (content != NULL && CMS_verify(message, NULL, NULL, NULL, content,
                                      CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY) == 1) {
        STACK_OF(X509) *signers = CMS_get0_signers(message); // the stack is ours, not its elements
        if (sk_X509_num(signers) == 1) {
            *out_signer = sk_X509_value(signers, 0);
            status = append_bio(content, out);
        }
        if (status == STATUS_OK && X509_up_ref(*out_signer) != 1)
            status = STATUS_NO_MEMORY;
        sk_X509_free(signers);
    }
    BIO_free(content);
    return status;
}

enum status cms_verify(struct view der, X509 **out_signer, struct buf *out_content) {
    *out_signer = NULL;
    CMS_ContentInfo *message = read_message(der, NID_pkcs7_signed);
    enum status status = STATUS_INVALID;
    if (message != NULL && signer_is_as_ours(message))
        status = verify_into(message, out_signer, out_content);
    CMS_ContentInfo_free(message);
    ERR_clear_error();
    if (status != STATUS_OK)
        *out_signer = NULL;
    return status;
}

// ---- encrypted ----

static enum status finish_encryption(CMS_ContentInfo *message, struct view content,
                                     struct buf *out) {
    enum status status = STATUS_INVALID;
    BIO *bio = open_view(content);
    if (bio != NULL && CMS_final(message, bio, NULL, CMS_BINARY) == 1)
        status = append_message(message, out);
    BIO_free(bio);
    return status;
}

static CMS_ContentInfo *begin_encryption(void) {
    return CMS_encrypt(NULL, NULL, EVP_aes_256_gcm(), CMS_BINARY | CMS_PARTIAL);
}

enum status cms_encrypt_to(X509 *recipient, struct view content, struct buf *out) {
    enum status status = STATUS_INVALID;
    CMS_ContentInfo *message = begin_encryption();
    CMS_RecipientInfo *info =
        message != NULL ? CMS_add1_recipient_cert(message, recipient, CMS_KEY_PARAM | CMS_USE_KEYID)
                        : NULL;
    EVP_PKEY_CTX *context = info != NULL ? CMS_RecipientInfo_get0_pkey_ctx(info) : NULL;
    // SHA-1 would be OpenSSL's choice
    if (context != NULL && EVP_PKEY_CTX_set_ecdh_kdf_md(context, EVP_sha256()) > 0)
        status = finish_encryption(message, content, out);
    CMS_ContentInfo_free(message);
    ERR_clear_error();
    return status;
}

static unsigned char *copy_bytes(const unsigned char *bytes, size_t size) {
    unsigned char *copy = OPENSSL_malloc(size);
    if (copy != NULL)
        memcpy(copy, bytes, size);
    return copy;
}

enum status cms_encrypt_with(const uint8_t key[32], struct view content, struct buf *out) {
    enum status status = STATUS_NO_MEMORY;
    CMS_ContentInfo *message = begin_encryption();
    unsigned char *key_copy = copy_bytes(key, KEY_SIZE);
    unsigned char *id = copy_bytes(KEY_ID, sizeof(KEY_ID));
    if (message != NULL && key_copy != NULL && id != NULL &&
        CMS_add0_recipient_key(message, NID_id_aes256_wrap, key_copy, KEY_SIZE, id, sizeof(KEY_ID),
                               NULL, NULL, NULL) != NULL) {
        key_copy = id = NULL; // the message's now
        status = finish_encryption(message, content, out);
    }
    OPENSSL_clear_free(key_copy, KEY_SIZE);
    OPENSSL_free(id);
    CMS_ContentInfo_free(message);
    ERR_clear_error();
    return status;
}

// The one recipient of a message; NULL: another number, or of another type.
static CMS_RecipientInfo *only_recipient(CMS_ContentInfo *message, int type) {
    STACK_OF(CMS_RecipientInfo) *infos = CMS_get0_RecipientInfos(message);
    if (sk_CMS_RecipientInfo_num(infos) != 1)
        return NULL;
    CMS_RecipientInfo *info = sk_CMS_RecipientInfo_value(infos, 0);
    return CMS_RecipientInfo_type(info) == type ? info : NULL;
}

static const struct cms_recipient *
find_recipient(CMS_RecipientInfo *info, const struct cms_recipient *recipients, size_t n) {
    STACK_OF(CMS_RecipientEncryptedKey) *keys = CMS_RecipientInfo_kari_get0_reks(info);
    if (sk_CMS_RecipientEncryptedKey_num(keys) != 1)
        return NULL;
    CMS_RecipientEncryptedKey *key = sk_CMS_RecipientEncryptedKey_value(keys, 0);
    for (size_t i = 0; i < n; i++)
        if (CMS_RecipientEncryptedKey_cert_cmp(key, recipients[i].certificate) == 0)
            return &recipients[i];
    return NULL;
}

// Nothing of the content gets out before its authentication was found right.
static enum status decrypt_into(CMS_ContentInfo *message, EVP_PKEY *key, X509 *certificate,
                                struct buf *out) {
    BIO *content = BIO_new(BIO_s_mem());
    enum status status = content != NULL ? STATUS_INVALID : STATUS_NO_MEMORY;
    if (content != NULL && CMS_decrypt(message, key, certificate, NULL, content, CMS_BINARY) == 1)
        status = append_bio(content, out);
    BIO_free(content);
    return status;
}

enum status cms_decrypt_to(struct view der, const struct cms_recipient *recipients, size_t n,
                           struct buf *out_content) {
    enum status status = STATUS_INVALID;
    CMS_ContentInfo *message = read_message(der, NID_id_smime_ct_authEnvelopedData);
    CMS_RecipientInfo *info = message != NULL ? only_recipient(message, CMS_RECIPINFO_AGREE) : NULL;
    if (info != NULL) {
        const struct cms_recipient *recipient = find_recipient(info, recipients, n);
        status = recipient == NULL
                     ? STATUS_NOT_FOUND
                     : decrypt_into(message, recipient->key, recipient->certificate, out_content);
    }
    CMS_ContentInfo_free(message);
    ERR_clear_error();
    return status;
}

enum status cms_decrypt_with(struct view der, const uint8_t key[32], struct buf *out_content) {
    enum status status = STATUS_INVALID;
    uint8_t copy[KEY_SIZE]; // OpenSSL takes it as if it would write to it
    memcpy(copy, key, sizeof(copy));
    CMS_ContentInfo *message = read_message(der, NID_id_smime_ct_authEnvelopedData);
    if (message != NULL && only_recipient(message, CMS_RECIPINFO_KEK) != NULL &&
        CMS_decrypt_set1_key(message, copy, sizeof(copy), KEY_ID, sizeof(KEY_ID)) == 1)
        status = decrypt_into(message, NULL, NULL, out_content);
    OPENSSL_cleanse(copy, sizeof(copy));
    CMS_ContentInfo_free(message);
    ERR_clear_error();
    return status;
}
