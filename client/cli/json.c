// See json.h.
#include "client/cli/json.h"

#include <inttypes.h>

void json_open(struct json *json, FILE *out) {
    *json = (struct json){.out = out};
}

void json_write_string(const char *text, FILE *out) {
    fputc('"', out);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(out, "\\%c", *c);
        else if (*c == '\n')
            fputs("\\n", out);
        else if (*c < 0x20 || *c == 0x7f)
            fprintf(out, "\\u%04x", *c);
        else
            fputc(*c, out);
    }
    fputc('"', out);
}

static void begin_value(struct json *json, const char *key) {
    if (json->comma)
        fputs(", ", json->out);
    json->comma = true;
    if (!key)
        return;
    json_write_string(key, json->out);
    fputs(": ", json->out);
}

void json_begin(struct json *json, const char *key, char bracket) {
    begin_value(json, key);
    fputc(bracket, json->out);
    json->comma = false;
}

void json_end(struct json *json, char bracket) {
    fputc(bracket, json->out);
    json->comma = true;
}

void json_text(struct json *json, const char *key, const char *text) {
    begin_value(json, key);
    if (text)
        json_write_string(text, json->out);
    else
        fputs("null", json->out);
}

void json_int(struct json *json, const char *key, int64_t value) {
    begin_value(json, key);
    fprintf(json->out, "%" PRId64, value);
}

void json_bool(struct json *json, const char *key, bool value) {
    begin_value(json, key);
    fputs(value ? "true" : "false", json->out);
}

void json_hundredths(struct json *json, const char *key, int64_t value) {
    uint64_t amount = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    begin_value(json, key);
    fprintf(json->out, "%s%" PRIu64 ".%02" PRIu64, value < 0 ? "-" : "", amount / 100,
            amount % 100);
}

void json_close(struct json *json) {
    fputc('\n', json->out);
}
