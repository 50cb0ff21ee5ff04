// What one client that stores ten records at a time waits for PostgreSQL alone: the same insert as
// raw (town.py), ten rows, binary and prepared, over a unix socket. Answers lines like the load
// generator's (load/load.h): "run ROWS TIMES".
// Usage: raw_libpq DSN
#include <arpa/inet.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/uuid.h"
#include "tests/bench/load/histogram.h"

#define ROWS_MAX 500
#define COLUMNS 3
#define OID_INT8 20
#define OID_UUID 2950
#define ARRAY_HEAD 5 // 32-bit words
#define ELEMENT_MAX 20

static const char INSERT[] = "insert into lx.raw_fact (stream, seq, id, subject, occurred_at, "
                             "quantity, district, programme, "
                             "kind, item, received_at, flags, actor) "
                             "select '00000000-0000-8000-8000-000000000001', a.seq, a.id, "
                             "a.subject, now(), 1, 1, 1, 4, 'school', "
                             "now(), 0, '00000000-0000-7000-8000-000000000001' from "
                             "unnest($1::int8[], $2::uuid[], $3::uuid[]) "
                             "a(seq, id, subject) on conflict do nothing";

struct column {
    char bytes[ARRAY_HEAD * 4 + ROWS_MAX * ELEMENT_MAX];
    int size;
};

static void put(struct column *column, const void *data, size_t size) {
    memcpy(column->bytes + column->size, data, size);
    column->size += (int)size;
}

static void put32(struct column *column, uint32_t number) {
    uint32_t big = htonl(number);
    put(column, &big, sizeof big);
}

static void begin(struct column *column, uint32_t type, uint32_t n) {
    column->size = 0;
    put32(column, 1);
    put32(column, 0);
    put32(column, type);
    put32(column, n);
    put32(column, 1);
}

static void fill(struct column columns[COLUMNS], unsigned rows, uint64_t *seq) {
    static struct uuid subject = {{1}};
    begin(&columns[0], OID_INT8, rows);
    begin(&columns[1], OID_UUID, rows);
    begin(&columns[2], OID_UUID, rows);
    int64_t now_ms = clock_now_ms();
    for (unsigned i = 0; i < rows; i++) {
        struct uuid id = uuid_new_v7(now_ms);
        uint64_t big = __builtin_bswap64(++*seq);
        put32(&columns[0], sizeof big);
        put(&columns[0], &big, sizeof big);
        put32(&columns[1], UUID_SIZE);
        put(&columns[1], id.bytes, UUID_SIZE);
        put32(&columns[2], UUID_SIZE);
        put(&columns[2], subject.bytes, UUID_SIZE);
    }
}

static void insert(PGconn *connection, struct column columns[COLUMNS]) {
    const char *values[COLUMNS];
    int lengths[COLUMNS];
    int formats[COLUMNS];
    for (int i = 0; i < COLUMNS; i++) {
        values[i] = columns[i].bytes;
        lengths[i] = columns[i].size;
        formats[i] = 1;
    }
    PGresult *result = PQexecPrepared(connection, "push", COLUMNS, values, lengths, formats, 1);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        fputs(PQerrorMessage(connection), stderr);
        exit(1);
    }
    PQclear(result);
}

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int argc, char **argv) {
    static struct column columns[COLUMNS];
    static struct histogram latency;
    PGconn *connection = argc == 2 ? PQconnectdb(argv[1]) : NULL;
    PGresult *prepared = connection ? PQprepare(connection, "push", INSERT, 0, NULL) : NULL;
    uint64_t seq = 0;
    unsigned rows;
    unsigned times;
    char line[64];
    if (PQresultStatus(prepared) != PGRES_COMMAND_OK) {
        fputs(connection ? PQerrorMessage(connection) : "raw_libpq DSN\n", stderr);
        return 1;
    }
    PQclear(prepared);
    while (fgets(line, sizeof line, stdin) && sscanf(line, "run %u %u", &rows, &times) == 2 &&
           rows <= ROWS_MAX) {
        memset(&latency, 0, sizeof latency);
        for (unsigned i = 0; i < times; i++) {
            fill(columns, rows, &seq);
            int64_t before_ns = now_ns();
            insert(connection, columns);
            histogram_add(&latency, now_ns() - before_ns);
        }
        printf("{\"requests\": %u, \"p50_ms\": %.4f, \"p99_ms\": %.4f}\n", times,
               (double)histogram_at(&latency, 0.5) / 1e6,
               (double)histogram_at(&latency, 0.99) / 1e6);
        fflush(stdout);
    }
    PQfinish(connection);
    return 0;
}
