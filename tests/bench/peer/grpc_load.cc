// Load for the gRPC peer: the same lines and answers as the product's generator (../load/load.h),
// of them `open`, `run NAME closed ...` and `close`. Every seat has a connection of its own.
// Requests are made before the clock starts; the calls themselves are asynchronous on one thread.
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "peer.grpc.pb.h"

namespace {

[[noreturn]] void fatal(const std::string &why) {
    std::cerr << why << "\n";
    exit(1);
}

std::string from_hex(const std::string &text) {
    std::string bytes;
    for (size_t i = 0; text != "-" && i + 1 < text.size(); i += 2)
        bytes.push_back(static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16)));
    return bytes;
}

struct Seat {
    std::unique_ptr<lxpeer::Peer::Stub> stub;
    std::string stream, subject;
    uint64_t next_op = 1;
    std::vector<lx::PushRequest> ready; // taken from the end
};

struct Call {
    Seat *seat;
    uint64_t left;
    std::chrono::steady_clock::time_point began;
    std::unique_ptr<grpc::ClientContext> context;
    grpc::Status status;
    lx::PingRequest ping;
    lx::PingReply pong;
    lx::PushReply pushed;
    std::unique_ptr<grpc::ClientAsyncResponseReader<lx::PingReply>> ping_reader;
    std::unique_ptr<grpc::ClientAsyncResponseReader<lx::PushReply>> push_reader;
};

std::string new_id() {
    static std::mt19937_64 random(std::random_device{}());
    auto now = std::chrono::system_clock::now().time_since_epoch();
    uint64_t ms =
        static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
    std::string id(16, '\0');
    for (size_t i = 0; i < 6; i++)
        id[i] = static_cast<char>(ms >> (40 - 8 * i));
    for (size_t i = 6; i < 16; i++)
        id[i] = static_cast<char>(random());
    id[6] = static_cast<char>((id[6] & 0x0f) | 0x70);
    id[8] = static_cast<char>((id[8] & 0x3f) | 0x80);
    return id;
}

lx::PushRequest make_push(Seat &seat, unsigned records) {
    lx::PushRequest request;
    lx::PushGroup *group = request.add_groups();
    group->set_stream(seat.stream);
    group->set_first_op_seq(seat.next_op);
    for (unsigned i = 0; i < records; i++) {
        lx::Operation operation;
        lx::Fact *fact = operation.mutable_fact();
        fact->set_id(new_id());
        fact->set_programme(1);
        fact->set_kind(lx::CREDIT_HOURS);
        fact->set_subject(seat.subject);
        fact->set_item("school");
        fact->set_occurred_at_ms(1636948800000);
        fact->set_quantity(1);
        group->add_operations(operation.SerializeAsString());
    }
    seat.next_op += records;
    return request;
}

double cpu_s() {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

class Side {
  public:
    Side(const std::string &address, const std::string &ca_file, const std::string &seats_file) {
        std::ifstream ca(ca_file), seats(seats_file);
        std::stringstream pem;
        pem << ca.rdbuf();
        grpc::SslCredentialsOptions tls;
        tls.pem_root_certs = pem.str();
        auto credentials = grpc::SslCredentials(tls);
        for (std::string cert, key, token, stream, subject, next_op, payload;
             seats >> cert >> key >> token >> stream >> subject >> next_op >> payload;) {
            grpc::ChannelArguments arguments;
            arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
            arguments.SetSslTargetNameOverride("localhost");
            auto channel = grpc::CreateCustomChannel(address, credentials, arguments);
            if (!channel->WaitForConnected(std::chrono::system_clock::now() +
                                           std::chrono::seconds(20)))
                fatal("cannot connect to " + address);
            auto seat = std::make_unique<Seat>();
            seat->stub = lxpeer::Peer::NewStub(channel);
            seat->stream = from_hex(stream);
            seat->subject = from_hex(subject);
            seat->next_op = std::stoull(next_op);
            seats_.push_back(std::move(seat));
        }
    }
    size_t size() const {
        return seats_.size();
    }
    void run(unsigned records, uint64_t each);

  private:
    void start(Call &call, unsigned records);

    std::vector<std::unique_ptr<Seat>> seats_;
    grpc::CompletionQueue queue_;
};

void Side::start(Call &call, unsigned records) {
    call.context = std::make_unique<grpc::ClientContext>();
    call.began = std::chrono::steady_clock::now();
    if (records == 0) {
        call.ping.set_payload("x");
        call.ping_reader = call.seat->stub->AsyncPing(call.context.get(), call.ping, &queue_);
        call.ping_reader->Finish(&call.pong, &call.status, &call);
        return;
    }
    call.push_reader =
        call.seat->stub->AsyncPush(call.context.get(), call.seat->ready.back(), &queue_);
    call.seat->ready.pop_back();
    call.push_reader->Finish(&call.pushed, &call.status, &call);
}

void Side::run(unsigned records, uint64_t each) {
    std::vector<Call> calls(seats_.size());
    std::vector<double> waits_ms;
    for (size_t i = 0; i < calls.size(); i++) {
        calls[i].seat = seats_[i].get();
        calls[i].left = each;
        for (uint64_t n = 0; records > 0 && n < each; n++)
            calls[i].seat->ready.push_back(make_push(*calls[i].seat, records));
        std::reverse(calls[i].seat->ready.begin(), calls[i].seat->ready.end());
    }
    double cpu_before = cpu_s();
    auto began = std::chrono::steady_clock::now();
    for (Call &call : calls)
        start(call, records);
    for (uint64_t left = calls.size() * each; left > 0; left--) {
        void *tag;
        bool ok;
        if (!queue_.Next(&tag, &ok))
            fatal("the queue ended");
        Call &call = *static_cast<Call *>(tag);
        if (!ok || !call.status.ok())
            fatal("a call failed: " + call.status.error_message());
        waits_ms.push_back(
            std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - call.began)
                .count());
        if (--call.left > 0)
            start(call, records);
    }
    double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    double cpu = cpu_s() - cpu_before;
    std::sort(waits_ms.begin(), waits_ms.end());
    auto at = [&](double share) {
        return waits_ms[std::min(
            waits_ms.size() - 1,
            static_cast<size_t>(share * static_cast<double>(waits_ms.size())))];
    };
    printf("{\"requests\": %zu, \"seconds\": %.6f, \"cpu_s\": %.6f, \"p50_ms\": %.4f, \"p99_ms\": "
           "%.4f, "
           "\"p999_ms\": %.4f, \"max_ms\": %.4f}\n",
           waits_ms.size(), seconds, cpu, at(0.5), at(0.99), at(0.999), waits_ms.back());
}

} // namespace

int main() {
    std::map<std::string, std::unique_ptr<Side>> sides;
    setvbuf(stdout, nullptr, _IOLBF, 0);
    for (std::string line; std::getline(std::cin, line);) {
        std::istringstream words(line);
        std::string command, name, protocol, host, port, ca, file, mode, what;
        uint64_t each = 0;
        words >> command >> name;
        if (command == "open" && words >> protocol >> host >> port >> ca >> file) {
            sides[name] = std::make_unique<Side>(host + ":" + port, ca, file);
            printf("{\"opened\": %zu}\n", sides[name]->size());
        } else if (command == "run" && words >> mode >> what >> each && mode == "closed" &&
                   sides.count(name)) {
            sides[name]->run(
                what.rfind("push:", 0) == 0 ? static_cast<unsigned>(std::stoul(what.substr(5))) : 0,
                each);
        } else if (command == "close") {
            sides.erase(name);
            puts("{}");
        } else {
            fatal("not a command: " + line);
        }
    }
    return 0;
}
