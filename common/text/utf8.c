// Strict UTF-8, what may stand in names, NFC and terminal width (the tables are utf8proc's).
// Owns nothing but short-lived copies.
#include "common/text/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

// Reads one code point; 0 bytes when the text there is no UTF-8.
static size_t read_point(struct view text, size_t offset, int32_t *out_point) {
    size_t left = text.size - offset;
    utf8proc_ssize_t length = left > 4 ? 4 : (utf8proc_ssize_t)left;
    utf8proc_ssize_t got = utf8proc_iterate(text.data + offset, length, out_point);
    return got > 0 && *out_point >= 0 ? (size_t)got : 0;
}

struct range {
    int32_t first;
    int32_t last;
};

// Marks, embeddings, overrides and isolates that reorder what stands around them.
static const struct range bidi_ranges[] = {
    {0x061c, 0x061c}, {0x200e, 0x200f}, {0x202a, 0x202e}, {0x2066, 0x2069}};

// U+FEFF inside a text is invisible; U+FFFE and U+FFFF are never characters.
static const struct range control_ranges[] = {
    {0x0001, 0x001f}, {0x007f, 0x009f}, {0x2028, 0x2029}, {0xfeff, 0xfeff}, {0xfffe, 0xffff}};

static bool in_ranges(int32_t point, const struct range *ranges, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (point >= ranges[i].first && point <= ranges[i].last)
            return true;
    }
    return false;
}

#define IN(point, ranges) in_ranges((point), (ranges), sizeof(ranges) / sizeof((ranges)[0]))

static enum utf8_flaw flaw_of_point(int32_t point, bool lines_allowed) {
    if (point == 0)
        return UTF8_FLAW_NUL;
    if (lines_allowed && (point == '\t' || point == '\n' || point == '\r'))
        return UTF8_FLAW_NONE;
    if (IN(point, control_ranges))
        return UTF8_FLAW_CONTROL;
    if (IN(point, bidi_ranges))
        return UTF8_FLAW_BIDI;
    return UTF8_FLAW_NONE;
}

enum check { CHECK_ENCODING, CHECK_TEXT, CHECK_NAME };

static enum utf8_flaw check(struct view text, enum check what, size_t *out_offset) {
    enum utf8_flaw flaw = UTF8_FLAW_NONE;
    size_t offset = 0;
    while (offset < text.size && flaw == UTF8_FLAW_NONE) {
        int32_t point;
        size_t size = read_point(text, offset, &point);
        if (size == 0)
            flaw = UTF8_FLAW_ENCODING;
        else if (what != CHECK_ENCODING)
            flaw = flaw_of_point(point, what == CHECK_TEXT);
        if (flaw == UTF8_FLAW_NONE)
            offset += size;
    }
    if (out_offset != NULL)
        *out_offset = offset;
    return flaw;
}

enum utf8_flaw utf8_check(struct view text, size_t *out_offset) {
    return check(text, CHECK_ENCODING, out_offset);
}

enum utf8_flaw utf8_check_name(struct view text, size_t *out_offset) {
    return check(text, CHECK_NAME, out_offset);
}

enum utf8_flaw utf8_check_text(struct view text, size_t *out_offset) {
    return check(text, CHECK_TEXT, out_offset);
}

const char *utf8_flaw_text(enum utf8_flaw flaw) {
    static const char *const texts[] = {
        [UTF8_FLAW_NONE] = "no flaw",
        [UTF8_FLAW_ENCODING] = "not valid UTF-8",
        [UTF8_FLAW_NUL] = "a NUL character",
        [UTF8_FLAW_CONTROL] = "a control character",
        [UTF8_FLAW_BIDI] = "a character that changes the direction of the text",
    };
    return texts[flaw];
}

static bool is_ascii(struct view text) {
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] >= 0x80)
            return false;
    }
    return true;
}

enum status utf8_normalize(struct view text, struct arena *arena, struct view *out_text) {
    if (is_ascii(text)) {
        *out_text = text;
        return STATUS_OK;
    }
    uint8_t *normal = NULL;
    utf8proc_ssize_t size = utf8proc_map(text.data, (utf8proc_ssize_t)text.size, &normal,
                                         UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (size < 0)
        return size == UTF8PROC_ERROR_NOMEM ? STATUS_NO_MEMORY : STATUS_INVALID;
    const char *copy = arena_string(arena, view_from(normal, (size_t)size));
    free(normal);
    if (copy == NULL)
        return STATUS_NO_MEMORY;
    *out_text = view_from(copy, (size_t)size);
    return STATUS_OK;
}

static bool is_space(int32_t point) {
    return (point >= '\t' && point <= '\r') || point == ' ' || point == 0xa0 || point == 0x3000 ||
           point == 0xfeff;
}

struct view utf8_trim(struct view text) {
    int32_t point;
    size_t size;
    while (text.size > 0 && (size = read_point(text, 0, &point)) > 0 && is_space(point))
        text = view_from(text.data + size, text.size - size);
    for (;;) {
        size_t start = text.size;
        do // back to the first byte of the last character
            start -= start > 0 ? 1 : 0;
        while (start > 0 && text.size - start < 4 && (text.data[start] & 0xc0) == 0x80);
        if (text.size == 0 || read_point(text, start, &point) != text.size - start ||
            !is_space(point))
            return text;
        text.size = start;
    }
}

size_t utf8_count(struct view text) {
    size_t count = 0;
    for (size_t offset = 0; offset < text.size; count++) {
        int32_t point;
        size_t size = read_point(text, offset, &point);
        offset += size > 0 ? size : 1;
    }
    return count;
}

// Size in bytes and width in columns of the character at offset.
static size_t measure(struct view text, size_t offset, size_t *out_width) {
    int32_t point;
    size_t size = read_point(text, offset, &point);
    int width = size > 0 ? utf8proc_charwidth(point) : 0;
    *out_width = width > 0 ? (size_t)width : 0;
    return size > 0 ? size : 1;
}

size_t utf8_width(struct view text) {
    size_t total = 0;
    for (size_t offset = 0; offset < text.size;) {
        size_t width;
        offset += measure(text, offset, &width);
        total += width;
    }
    return total;
}

size_t utf8_prefix_of_width(struct view text, size_t width) {
    size_t used = 0;
    size_t offset = 0;
    while (offset < text.size) {
        size_t wide;
        size_t size = measure(text, offset, &wide);
        if (used + wide > width)
            break;
        used += wide;
        offset += size;
    }
    return offset;
}
