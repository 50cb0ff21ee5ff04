// One letter for the kind of row, the fields in a fixed order, a byte of bits for those that may be
// absent. Texts are hashed where they lie; everything else goes through a small fixed buffer.
#include "common/wire/content.h"

#include <assert.h>
#include <string.h>

#include "common/wire/digest.h"

// All fixed fields of the longest row and the lengths of its texts.
#define FIXED_MOST 128
#define PARTS_MOST 16

struct writer {
    uint8_t bytes[FIXED_MOST];
    size_t used;
    size_t told; // of them already in parts
    struct view parts[PARTS_MOST];
    size_t n_parts;
};

static void put(struct writer *writer, const void *bytes, size_t size) {
    assert(writer->used + size <= FIXED_MOST);
    memcpy(writer->bytes + writer->used, bytes, size);
    writer->used += size;
}

static void put_number(struct writer *writer, uint64_t value, size_t size) {
    uint8_t bytes[8];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    put(writer, bytes, size);
}

static void put_int4(struct writer *writer, int32_t value) {
    put_number(writer, (uint32_t)value, 4);
}

static void put_int8(struct writer *writer, int64_t value) {
    put_number(writer, (uint64_t)value, 8);
}

static void put_id(struct writer *writer, struct uuid id) {
    put(writer, id.bytes, UUID_SIZE);
}

static void flush(struct writer *writer) {
    if (writer->used == writer->told)
        return;
    assert(writer->n_parts < PARTS_MOST);
    writer->parts[writer->n_parts++] =
        view_from(writer->bytes + writer->told, writer->used - writer->told);
    writer->told = writer->used;
}

// Where it lies: nothing is copied.
static void put_bytes(struct writer *writer, struct view bytes) {
    if (bytes.data == NULL || bytes.size == 0)
        return;
    flush(writer);
    assert(writer->n_parts < PARTS_MOST);
    writer->parts[writer->n_parts++] = bytes;
}

static void put_text(struct writer *writer, struct view text) {
    if (text.data == NULL)
        return;
    put_int4(writer, (int32_t)text.size);
    put_bytes(writer, text);
}

static unsigned bit(bool there, unsigned place) {
    return there ? 1u << place : 0;
}

static void finish(struct writer *writer, uint8_t out_content[CONTENT_SIZE]) {
    uint8_t digest[DIGEST_SHA256_SIZE];
    flush(writer);
    digest_sha256_parts(writer->parts, writer->n_parts, digest);
    memcpy(out_content, digest, CONTENT_SIZE);
}

void content_of_fact(const struct content_fact *fact, uint8_t out_content[CONTENT_SIZE]) {
    struct writer writer;
    writer.used = writer.told = writer.n_parts = 0;
    put(&writer, "F", 1);
    put_id(&writer, fact->id);
    put_id(&writer, fact->subject);
    put_int4(&writer, fact->programme);
    put_int4(&writer, fact->kind);
    put_number(&writer,
               bit(fact->has_occurred_at, 0) | bit(fact->has_until_at, 1) |
                   bit(fact->has_quantity, 2) | bit(fact->has_of, 3) |
                   bit(fact->item.data != NULL, 4) | bit(fact->form.data != NULL, 5) |
                   bit(fact->source_key.data != NULL, 6) |
                   bit(fact->submission_sha256.data != NULL, 7),
               1);
    if (fact->has_occurred_at)
        put_int8(&writer, fact->occurred_at_us);
    if (fact->has_until_at)
        put_int8(&writer, fact->until_at_us);
    if (fact->has_quantity)
        put_int8(&writer, fact->quantity);
    if (fact->has_of)
        put_id(&writer, fact->of);
    put_text(&writer, fact->item);
    put_text(&writer, fact->form);
    put_text(&writer, fact->source_key);
    put_bytes(&writer, fact->submission_sha256);
    finish(&writer, out_content);
}

void content_of_person(const struct content_person *person, uint8_t out_content[CONTENT_SIZE]) {
    struct writer writer;
    writer.used = writer.told = writer.n_parts = 0;
    put(&writer, "P", 1);
    put_id(&writer, person->id);
    put_int8(&writer, person->version);
    put_number(&writer,
               bit(person->has_birth_year, 0) | bit(person->teacher_no.data != NULL, 1) |
                   bit(person->account.data != NULL, 2) | bit(person->title.data != NULL, 3) |
                   bit(person->certificate, 4) | bit(person->in_post, 5) |
                   bit(person->established, 6) | bit(person->full_time, 7),
               1);
    if (person->has_birth_year)
        put_int4(&writer, person->birth_year);
    put_text(&writer, person->name);
    put_text(&writer, person->teacher_no);
    put_text(&writer, person->account);
    put_text(&writer, person->title);
    finish(&writer, out_content);
}

void content_of_membership(const struct content_membership *membership,
                           uint8_t out_content[CONTENT_SIZE]) {
    struct writer writer;
    writer.used = writer.told = writer.n_parts = 0;
    put(&writer, "M", 1);
    put_id(&writer, membership->id);
    put_int8(&writer, membership->version);
    put_id(&writer, membership->person);
    put_id(&writer, membership->unit);
    put_int4(&writer, membership->programme);
    put_int4(&writer, membership->role);
    put_number(&writer, bit(membership->has_until_at, 0) | bit(membership->guest, 1), 1);
    put_int8(&writer, membership->from_at_us);
    if (membership->has_until_at)
        put_int8(&writer, membership->until_at_us);
    finish(&writer, out_content);
}
