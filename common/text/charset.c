// Byte order mark, else strict UTF-8, else GB18030 (by iconv).
// Owns the iconv descriptor during a call.
#include "common/text/charset.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "common/text/utf8.h"

static const char *const charset_names[] = {
    [CHARSET_UTF8] = "UTF-8",
    [CHARSET_UTF16LE] = "UTF-16LE",
    [CHARSET_UTF16BE] = "UTF-16BE",
    [CHARSET_GB18030] = "GB18030",
};

const char *charset_name(enum charset charset) {
    return charset_names[charset];
}

struct mark {
    struct view bytes;
    enum charset charset;
};

static const struct mark marks[] = {
    {{(const uint8_t *)"\xef\xbb\xbf", 3}, CHARSET_UTF8},
    {{(const uint8_t *)"\xff\xfe", 2}, CHARSET_UTF16LE},
    {{(const uint8_t *)"\xfe\xff", 2}, CHARSET_UTF16BE},
    {{(const uint8_t *)"\x84\x31\x95\x33", 4}, CHARSET_GB18030},
};

static const struct mark *find_mark(struct view bytes) {
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        size_t size = marks[i].bytes.size;
        if (bytes.size >= size && memcmp(bytes.data, marks[i].bytes.data, size) == 0)
            return &marks[i];
    }
    return NULL;
}

// Most UTF-8 bytes for one input byte: 2 bytes of GB18030 or UTF-16 give at most 3.
static size_t largest_output(size_t input) {
    return input + input / 2 + 4;
}

static enum status convert(struct view bytes, struct arena *arena, enum charset charset,
                           struct view *out_text, size_t *out_offset) {
    size_t room = largest_output(bytes.size);
    char *text = arena_alloc(arena, room);
    if (text == NULL)
        return STATUS_NO_MEMORY;
    iconv_t converter = iconv_open("UTF-8", charset_name(charset));
    if (converter == (iconv_t)-1)
        return STATUS_IO;
    char *in = (char *)bytes.data; // iconv reads only; its type is older than const
    size_t in_left = bytes.size;
    char *out = text;
    size_t out_left = room;
    size_t result = iconv(converter, &in, &in_left, &out, &out_left);
    int error = errno;
    (void)iconv_close(converter);
    *out_offset = bytes.size - in_left;
    if (result == (size_t)-1)
        return error == E2BIG ? STATUS_NO_MEMORY : STATUS_INVALID;
    *out_text = view_from(text, room - out_left);
    return STATUS_OK;
}

static enum status decode(struct view bytes, struct arena *arena, enum charset charset,
                          struct view *out_text, size_t *out_offset) {
    if (charset != CHARSET_UTF8)
        return convert(bytes, arena, charset, out_text, out_offset);
    *out_text = bytes;
    return utf8_check(bytes, out_offset) == UTF8_FLAW_NONE ? STATUS_OK : STATUS_INVALID;
}

enum status charset_to_utf8(struct view bytes, struct arena *arena, struct view *out_text,
                            enum charset *out_charset, struct charset_error *out_error) {
    const struct mark *mark = find_mark(bytes);
    size_t skip = mark == NULL ? 0 : mark->bytes.size;
    enum charset charset = mark == NULL ? CHARSET_UTF8 : mark->charset;
    struct view body = view_from(bytes.data == NULL ? NULL : bytes.data + skip, bytes.size - skip);
    size_t offset = 0;
    enum status status = decode(body, arena, charset, out_text, &offset);
    if (status == STATUS_INVALID && mark == NULL) {
        size_t utf8_offset = offset;
        charset = CHARSET_GB18030;
        status = decode(body, arena, charset, out_text, &offset);
        if (status == STATUS_INVALID &&
            utf8_offset > offset) { // name the reading that came further
            charset = CHARSET_UTF8;
            offset = utf8_offset;
        }
    }
    if (out_charset != NULL)
        *out_charset = charset;
    if (out_error != NULL)
        *out_error = (struct charset_error){.offset = skip + offset, .charset = charset};
    return status;
}
