// See store.h. Binary arrays, prepared: the fastest way libpq has but COPY, which cannot be
// repeated.
#include "store.h"

#include <arpa/inet.h>
#include <endian.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr uint32_t OID_INT8 = 20;
constexpr uint32_t OID_UUID = 2950;
constexpr uint32_t OID_TIMESTAMPTZ = 1184;
constexpr int64_t EPOCH_2000_MS = 946684800000LL;

constexpr char INSERT[] =
    "insert into lx.raw_fact (stream, seq, id, subject, occurred_at, quantity, district, "
    "programme, "
    "kind, item, received_at, flags, actor) "
    "select a.*, 1, 1, 4, 'school', now(), 0, '00000000-0000-7000-8000-000000000001' "
    "from unnest($1::uuid[], $2::int8[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::int8[]) a "
    "on conflict do nothing";

// A one-dimensional array in PostgreSQL's binary format.
class Column {
  public:
    Column(uint32_t type, size_t elements) {
        put32(1);
        put32(0);
        put32(type);
        put32(static_cast<uint32_t>(elements));
        put32(1);
    }
    void add(const std::string &id) {
        put32(16);
        bytes_.append(id);
    }
    void add(int64_t number) {
        uint64_t big = htobe64(static_cast<uint64_t>(number));
        put32(8);
        bytes_.append(reinterpret_cast<char *>(&big), sizeof big);
    }
    const std::string &bytes() const {
        return bytes_;
    }

  private:
    void put32(uint32_t number) {
        uint32_t big = htonl(number);
        bytes_.append(reinterpret_cast<char *>(&big), sizeof big);
    }
    std::string bytes_;
};

} // namespace

Store::Store(const std::string &dsn, int connections) {
    for (int i = 0; i < connections; i++) {
        PGconn *connection = PQconnectdb(dsn.c_str());
        PGresult *result = PQprepare(connection, "push", INSERT, 0, nullptr);
        if (PQresultStatus(result) != PGRES_COMMAND_OK) {
            fprintf(stderr, "%s", PQerrorMessage(connection));
            exit(1);
        }
        PQclear(result);
        idle_.push_back(connection);
    }
}

Store::~Store() {
    for (PGconn *connection : idle_)
        PQfinish(connection);
}

PGconn *Store::take() {
    std::unique_lock<std::mutex> lock(mutex_);
    free_.wait(lock, [this] { return !idle_.empty(); });
    PGconn *connection = idle_.back();
    idle_.pop_back();
    return connection;
}

void Store::give(PGconn *connection) {
    {
        std::lock_guard<std::mutex> lock(mutex_);
        idle_.push_back(connection);
    }
    free_.notify_one();
}

bool Store::push(const lx::PushRequest &request) {
    size_t n = 0;
    for (const auto &group : request.groups())
        n += static_cast<size_t>(group.operations_size());
    Column stream(OID_UUID, n), seq(OID_INT8, n), id(OID_UUID, n), subject(OID_UUID, n);
    Column occurred(OID_TIMESTAMPTZ, n), quantity(OID_INT8, n);
    lx::Operation operation;
    for (const auto &group : request.groups()) {
        int64_t number = static_cast<int64_t>(group.first_op_seq());
        for (const auto &bytes : group.operations()) {
            if (!operation.ParseFromString(bytes) || operation.fact().id().size() != 16 ||
                operation.fact().subject().size() != 16 || group.stream().size() != 16)
                return false;
            const lx::Fact &fact = operation.fact();
            stream.add(group.stream());
            seq.add(number++);
            id.add(fact.id());
            subject.add(fact.subject());
            occurred.add((fact.occurred_at_ms() - EPOCH_2000_MS) * 1000);
            quantity.add(static_cast<int64_t>(fact.quantity()));
        }
    }
    const std::string *columns[] = {&stream.bytes(),  &seq.bytes(),      &id.bytes(),
                                    &subject.bytes(), &occurred.bytes(), &quantity.bytes()};
    const char *values[6];
    int lengths[6];
    static const int formats[6] = {1, 1, 1, 1, 1, 1};
    for (int i = 0; i < 6; i++) {
        values[i] = columns[i]->data();
        lengths[i] = static_cast<int>(columns[i]->size());
    }
    PGconn *connection = take();
    PGresult *result = PQexecPrepared(connection, "push", 6, values, lengths, formats, 1);
    bool stored = PQresultStatus(result) == PGRES_COMMAND_OK;
    if (!stored)
        fprintf(stderr, "%s", PQerrorMessage(connection));
    PQclear(result);
    give(connection);
    return stored;
}
