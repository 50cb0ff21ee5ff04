// What a push does in the gRPC peer: its facts in one statement, one transaction, on one of a few
// connections to PostgreSQL. No permission, no audit, no counters: only the insert, and that it may
// be repeated. The same table and indexes as raw (tests/bench/town.py).
#pragma once

#include <libpq-fe.h>

#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "ledger.pb.h"

class Store {
  public:
    Store(const std::string &dsn, int connections);
    ~Store();
    // Stores the facts of one push; false: PostgreSQL refused (said on standard error).
    bool push(const lx::PushRequest &request);

  private:
    PGconn *take();
    void give(PGconn *connection);

    std::mutex mutex_;
    std::condition_variable free_;
    std::vector<PGconn *> idle_;
};
