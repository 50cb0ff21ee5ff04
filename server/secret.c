// Random secrets and their hashes. A code has 60 random bits and few tries, so a plain hash
// protects it.
#include "server/secret.h"

#include <openssl/rand.h>
#include <openssl/sha.h>
#include <string.h>

#define CODE_CHARACTERS 12
#define CODE_GROUP 4 // a dash after every fourth character

// 32 characters without I, L, O and U: nothing to mistake when it is read from paper.
static const char ALPHABET[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static enum status random_bytes(uint8_t *out_bytes, size_t size) {
    return RAND_bytes(out_bytes, (int)size) == 1 ? STATUS_OK : STATUS_IO;
}

enum status secret_new_code(char out_code[SECRET_CODE_SIZE]) {
    uint8_t random[CODE_CHARACTERS];
    TRY(random_bytes(random, sizeof(random)));
    size_t at = 0;
    for (size_t i = 0; i < CODE_CHARACTERS; i++) {
        if (i > 0 && i % CODE_GROUP == 0)
            out_code[at++] = '-';
        out_code[at++] = ALPHABET[random[i] % 32];
    }
    out_code[at] = '\0';
    return STATUS_OK;
}

enum status secret_new_password(char out_password[SECRET_PASSWORD_SIZE]) {
    uint8_t random[SECRET_PASSWORD_SIZE - 1];
    TRY(random_bytes(random, sizeof(random)));
    for (size_t i = 0; i < sizeof(random); i++) {
        char character = ALPHABET[random[i] % 32];
        out_password[i] =
            (char)(character >= 'A' && character <= 'Z' ? character - 'A' + 'a' : character);
    }
    out_password[sizeof(random)] = '\0';
    return STATUS_OK;
}

enum status secret_new_token(uint8_t out_token[SECRET_TOKEN_SIZE]) {
    return random_bytes(out_token, SECRET_TOKEN_SIZE);
}

// The character of the alphabet that was meant, '\0' for none.
static char read_character(uint8_t typed) {
    char character = (char)(typed >= 'a' && typed <= 'z' ? typed - 'a' + 'A' : typed);
    if (character == 'O')
        return '0';
    if (character == 'I' || character == 'L')
        return '1';
    return character != '\0' && strchr(ALPHABET, character) != NULL ? character : '\0';
}

// What was typed as the twelve characters that were meant.
static enum status read_code(struct view typed, char out_code[CODE_CHARACTERS]) {
    size_t n = 0;
    for (size_t i = 0; i < typed.size; i++) {
        if (typed.data[i] == '-' || typed.data[i] == ' ')
            continue;
        char character = read_character(typed.data[i]);
        if (character == '\0' || n == CODE_CHARACTERS)
            return STATUS_INVALID;
        out_code[n++] = character;
    }
    return n == CODE_CHARACTERS ? STATUS_OK : STATUS_INVALID;
}

enum status secret_hash_code(struct view typed, uint8_t out_hash[SECRET_HASH_SIZE]) {
    char code[CODE_CHARACTERS];
    TRY(read_code(typed, code));
    SHA256((const unsigned char *)code, sizeof(code), out_hash);
    return STATUS_OK;
}

enum status secret_lookup_code(struct view typed, char out_lookup[SECRET_LOOKUP_SIZE]) {
    char code[CODE_CHARACTERS];
    TRY(read_code(typed, code));
    memcpy(out_lookup, code, SECRET_LOOKUP_SIZE - 1);
    out_lookup[SECRET_LOOKUP_SIZE - 1] = '\0';
    return STATUS_OK;
}

void secret_hash_token(struct view token, uint8_t out_hash[SECRET_HASH_SIZE]) {
    SHA256(token.data, token.size, out_hash);
}
