// The peer: what one would build with gRPC C++ for the same work.
// Usage: grpc_peer PORT CERT KEY DSN CONNECTIONS sync|callback
// Says "ready" when it listens; ends when its standard input does.
#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "peer.grpc.pb.h"
#include "store.h"

namespace {

grpc::Status push(Store &store, const lx::PushRequest *request, lx::PushReply *reply) {
    if (!store.push(*request))
        return grpc::Status(grpc::StatusCode::INTERNAL, "not stored");
    for (const auto &group : request->groups()) {
        lx::PushedGroup *pushed = reply->add_groups();
        pushed->set_stream(group.stream());
        pushed->set_verdict(lx::GROUP_DONE);
        pushed->set_op_to(group.first_op_seq() + static_cast<uint64_t>(group.operations_size()) -
                          1);
    }
    return grpc::Status::OK;
}

// A thread a call, as the sync API has it.
class SyncPeer final : public lxpeer::Peer::Service {
  public:
    explicit SyncPeer(Store &store) : store_(store) {
    }
    grpc::Status Ping(grpc::ServerContext *, const lx::PingRequest *request,
                      lx::PingReply *reply) override {
        reply->set_payload(request->payload());
        return grpc::Status::OK;
    }
    grpc::Status Push(grpc::ServerContext *, const lx::PushRequest *request,
                      lx::PushReply *reply) override {
        return push(store_, request, reply);
    }

  private:
    Store &store_;
};

// gRPC's newer API, on its own few threads. Push blocks one of them while PostgreSQL works.
class CallbackPeer final : public lxpeer::Peer::CallbackService {
  public:
    explicit CallbackPeer(Store &store) : store_(store) {
    }
    grpc::ServerUnaryReactor *Ping(grpc::CallbackServerContext *context,
                                   const lx::PingRequest *request, lx::PingReply *reply) override {
        reply->set_payload(request->payload());
        auto *reactor = context->DefaultReactor();
        reactor->Finish(grpc::Status::OK);
        return reactor;
    }
    grpc::ServerUnaryReactor *Push(grpc::CallbackServerContext *context,
                                   const lx::PushRequest *request, lx::PushReply *reply) override {
        auto *reactor = context->DefaultReactor();
        reactor->Finish(push(store_, request, reply));
        return reactor;
    }

  private:
    Store &store_;
};

std::string read_file(const char *path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(1);
    }
    return text.str();
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 7) {
        fprintf(stderr, "grpc_peer PORT CERT KEY DSN CONNECTIONS sync|callback\n");
        return 2;
    }
    Store store(argv[4], atoi(argv[5]));
    SyncPeer sync_peer(store);
    CallbackPeer callback_peer(store);
    grpc::SslServerCredentialsOptions tls;
    tls.pem_key_cert_pairs.push_back({read_file(argv[3]), read_file(argv[2])});
    grpc::ServerBuilder builder;
    builder.AddListeningPort(std::string("127.0.0.1:") + argv[1], grpc::SslServerCredentials(tls));
    bool is_sync = std::string(argv[6]) == "sync";
    builder.RegisterService(is_sync ? static_cast<grpc::Service *>(&sync_peer) : &callback_peer);
    std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
    if (!server) {
        fprintf(stderr, "cannot listen on %s\n", argv[1]);
        return 1;
    }
    puts("ready");
    fflush(stdout);
    char byte;
    while (read(0, &byte, 1) > 0) {
    }
    server->Shutdown();
    return 0;
}
