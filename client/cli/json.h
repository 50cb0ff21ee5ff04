// Writes JSON: commas and escapes are its affair, nesting is the caller's. UTF-8 in, UTF-8 out.
// Used by commands with --json.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
    FILE *out;  // borrows
    bool comma; // the next value needs one in front
};

void json_open(struct json *json, FILE *out);
void json_begin(struct json *json, const char *key, char bracket); // '{' or '['; key NULL in a list
void json_end(struct json *json, char bracket);                    // '}' or ']'
void json_text(struct json *json, const char *key, const char *text); // NULL: null
void json_int(struct json *json, const char *key, int64_t value);
void json_bool(struct json *json, const char *key, bool value);
void json_hundredths(struct json *json, const char *key, int64_t value);
void json_close(struct json *json); // line end
void json_write_string(const char *text, FILE *out);
