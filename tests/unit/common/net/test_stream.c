// TLS streams of both sides on one loop over a socket pair: handshake with and without a device
// certificate, bytes in any amounts, refusals, the client's idea of time.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <event2/event.h>
#include <openssl/ssl.h>

#include "common/base/clock.h"
#include "common/net/ca.h"
#include "common/net/stream.h"
#include "common/net/tls.h"

#define DAY_MS ((int64_t)24 * 3600 * 1000)

// Files of one deployment in a folder of its own.
struct deployment {
    char folder[64];
    char ca[96], cert[96], key[96], device[96], device_key[96], old[96], recent[96];
    uint8_t device_id[CA_DEVICE_SIZE];
};

static struct deployment ours, others;

static void write_file(char path[96], const char *folder, const char *name, struct buf *content) {
    snprintf(path, 96, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(content->data + content->start, 1, buf_size(content), file),
                     buf_size(content));
    fclose(file);
    buf_reset(content);
}

static void issue_device(struct deployment *d, const struct ca *ca, int64_t at_ms, char path[96],
                         const char *name, struct view csr) {
    struct buf der = {0}, pem = {0};
    assert_int_equal(ca_sign_device(ca, csr, at_ms, d->device_id, &der), STATUS_OK);
    assert_int_equal(ca_certificate_to_pem(buf_view(&der), &pem), STATUS_OK);
    write_file(path, d->folder, name, &pem);
    buf_free(&der);
    buf_free(&pem);
}

static void make_deployment(struct deployment *d) {
    int64_t now = clock_now_ms();
    strcpy(d->folder, "/tmp/lx-test-stream-XXXXXX");
    assert_non_null(mkdtemp(d->folder));
    struct buf cert = {0}, key = {0}, csr = {0};
    assert_int_equal(ca_create("test", now, &cert, &key), STATUS_OK);
    struct ca *ca;
    assert_int_equal(ca_load(buf_view(&cert), buf_view(&key), &ca), STATUS_OK);
    write_file(d->ca, d->folder, "ca.pem", &cert);
    buf_reset(&key);
    const char *names[] = {"city.example", "127.0.0.1"};
    assert_int_equal(ca_issue_server(ca, names, 2, now, &cert, &key), STATUS_OK);
    write_file(d->cert, d->folder, "cert.pem", &cert);
    write_file(d->key, d->folder, "key.pem", &key);
    assert_int_equal(ca_new_key(&key), STATUS_OK);
    assert_int_equal(ca_new_csr(buf_view(&key), &csr), STATUS_OK);
    issue_device(d, ca, now - 2 * 800 * DAY_MS, d->old, "old.pem", buf_view(&csr));
    issue_device(d, ca, now - 830 * DAY_MS, d->recent, "recent.pem", buf_view(&csr));
    issue_device(d, ca, now, d->device, "device.pem", buf_view(&csr));
    write_file(d->device_key, d->folder, "device_key.pem", &key);
    ca_free(&ca);
    buf_free(&cert);
    buf_free(&key);
    buf_free(&csr);
}

// One end of a connection.
struct end {
    struct stream *stream;
    enum io_result handshake;
    bool done; // the handshake has an outcome
};

static void on_ready(void *user) {
    struct end *end = user;
    if (end->done)
        return;
    end->handshake = stream_handshake(end->stream);
    end->done = end->handshake != IO_AGAIN;
    if (end->done)
        stream_want(end->stream, 0);
}

struct pair {
    struct event_base *base;
    struct tls_context *server_tls, *client_tls;
    struct end server, client;
};

static void open_pair(struct pair *p, const struct tls_client_options *options, const char *name) {
    memset(p, 0, sizeof *p);
    char error[256] = "";
    struct tls_server_options server = {ours.cert, ours.key, ours.ca};
    assert_int_equal(tls_server_new(&server, &p->server_tls, error, sizeof error), STATUS_OK);
    assert_int_equal(tls_client_new(options, &p->client_tls, error, sizeof error), STATUS_OK);
    p->base = event_base_new();
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    p->server.stream = stream_new_server(p->server_tls, p->base, fds[0], on_ready, &p->server);
    p->client.stream =
        stream_new_client(p->client_tls, p->base, fds[1], name, on_ready, &p->client);
    // The contexts may go first: streams keep what they need.
    tls_free(&p->server_tls);
    tls_free(&p->client_tls);
    for (int turn = 0; turn < 100 && !(p->server.done && p->client.done); turn++) {
        struct timeval soon = {0, 20000};
        event_base_loopexit(p->base, &soon);
        event_base_loop(p->base, EVLOOP_ONCE);
    }
}

static void close_pair(struct pair *p) {
    stream_free(&p->server.stream);
    stream_free(&p->client.stream);
    event_base_free(p->base);
}

static struct tls_client_options without_device(void) {
    return (struct tls_client_options){.ca_file = ours.ca, .trusted_time_ms = clock_now_ms()};
}

static void send_all(struct stream *from, struct stream *to, size_t total) {
    uint8_t chunk[5000], room[3000];
    size_t sent = 0, got = 0;
    for (int turn = 0; turn < 10000 && got < total; turn++) {
        size_t n = total - sent < sizeof chunk ? total - sent : sizeof chunk;
        for (size_t i = 0; i < n; i++)
            chunk[i] = (uint8_t)((sent + i) * 7);
        size_t taken = 0;
        if (n > 0 && stream_write(from, view_from(chunk, n), &taken) == IO_OK)
            sent += taken;
        while (stream_read(to, room, sizeof room, &taken) == IO_OK) {
            for (size_t i = 0; i < taken; i++)
                assert_int_equal(room[i], (uint8_t)((got + i) * 7));
            got += taken;
        }
    }
    assert_int_equal(got, total);
}

static void test_without_device(void **state) {
    (void)state;
    struct pair p;
    struct tls_client_options options = without_device();
    open_pair(&p, &options, "city.example");
    assert_int_equal(p.client.handshake, IO_OK);
    assert_int_equal(p.server.handshake, IO_OK);
    uint8_t device[32];
    int64_t until;
    assert_false(stream_take_peer(p.server.stream, device, &until));
    send_all(p.client.stream, p.server.stream, 1000000);
    send_all(p.server.stream, p.client.stream, 300000);
    // a plain end, with close_notify
    stream_free(&p.client.stream);
    size_t n;
    assert_int_equal(stream_read(p.server.stream, device, sizeof device, &n), IO_EOF);
    close_pair(&p);
}

static void test_with_device(void **state) {
    (void)state;
    struct pair p;
    struct tls_client_options options = without_device();
    options.cert_file = ours.device;
    options.key_file = ours.device_key;
    open_pair(&p, &options, "127.0.0.1");
    assert_int_equal(p.client.handshake, IO_OK);
    assert_int_equal(p.server.handshake, IO_OK);
    uint8_t device[32];
    int64_t until;
    assert_true(stream_take_peer(p.server.stream, device, &until));
    assert_memory_equal(device, ours.device_id, sizeof device);
    assert_true(until > clock_now_ms() + 700 * DAY_MS);
    // an end without close_notify is a plain end, too
    shutdown(stream_fd(p.client.stream), SHUT_RDWR);
    size_t n;
    assert_int_equal(stream_read(p.server.stream, device, sizeof device, &n), IO_EOF);
    close_pair(&p);
}

// A client of another make that asks for new keys in both directions, again and again: the server
// has let go of its session by then.
static void test_new_keys(void **state) {
    (void)state;
    struct tls_server_options options = {ours.cert, ours.key, ours.ca};
    struct pair p = {.base = event_base_new()};
    char error[256] = "";
    assert_int_equal(tls_server_new(&options, &p.server_tls, error, sizeof error), STATUS_OK);
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    p.server.stream = stream_new_server(p.server_tls, p.base, fds[0], on_ready, &p.server);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    assert_int_equal(SSL_CTX_use_certificate_file(ctx, ours.device, SSL_FILETYPE_PEM), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(ctx, ours.device_key, SSL_FILETYPE_PEM), 1);
    assert_int_equal(SSL_CTX_set_alpn_protos(ctx, (const uint8_t *)"\x0alianxiao/1", 11), 0);
    SSL *client = SSL_new(ctx);
    SSL_set_fd(client, fds[1]);
    for (int turn = 0; turn < 100 && !(SSL_connect(client) == 1 && p.server.done); turn++)
        on_ready(&p.server);
    assert_int_equal(p.server.handshake, IO_OK);
    uint8_t device[32];
    int64_t until;
    assert_true(stream_take_peer(p.server.stream, device, &until)); // forgotten: it goes on without
    for (int round = 0; round < 20; round++) {
        uint8_t room[64];
        size_t n = 0;
        assert_int_equal(SSL_key_update(client, SSL_KEY_UPDATE_REQUESTED), 1);
        assert_int_equal(SSL_write(client, "asked", 5), 5);
        assert_int_equal(stream_read(p.server.stream, room, sizeof room, &n), IO_OK);
        assert_memory_equal(room, "asked", 5);
        assert_int_equal(stream_write(p.server.stream, view_from_string("answered"), &n), IO_OK);
        assert_int_equal(SSL_read(client, room, sizeof room), 8);
        assert_memory_equal(room, "answered", 8);
    }
    SSL_free(client);
    SSL_CTX_free(ctx);
    close(fds[1]);
    stream_free(&p.server.stream);
    tls_free(&p.server_tls);
    event_base_free(p.base);
}

// Expired 870 days ago: beyond the 400 days of grace.
static void test_long_expired_device(void **state) {
    (void)state;
    struct pair p;
    struct tls_client_options options = without_device();
    options.cert_file = ours.old;
    options.key_file = ours.device_key;
    open_pair(&p, &options, "127.0.0.1");
    assert_int_equal(p.server.handshake, IO_ERROR);
    assert_non_null(strstr(stream_error(p.server.stream), "expired"));
    close_pair(&p);
}

// Expired 100 days ago: gets its handshake, and the server sees that it is over.
static void test_lately_expired_device(void **state) {
    (void)state;
    struct pair p;
    struct tls_client_options options = without_device();
    options.cert_file = ours.recent;
    options.key_file = ours.device_key;
    open_pair(&p, &options, "127.0.0.1");
    assert_int_equal(p.server.handshake, IO_OK);
    uint8_t device[32];
    int64_t until;
    assert_true(stream_take_peer(p.server.stream, device, &until));
    assert_true(until < clock_now_ms());
    close_pair(&p);
}

static void test_foreign_device(void **state) {
    (void)state;
    struct pair p;
    struct tls_client_options options = without_device();
    options.cert_file = others.device;
    options.key_file = others.device_key;
    open_pair(&p, &options, "127.0.0.1");
    assert_int_equal(p.server.handshake, IO_ERROR);
    close_pair(&p);
}

static void test_foreign_server(void **state) {
    (void)state;
    struct pair p;
    struct tls_client_options options = without_device();
    options.ca_file = others.ca;
    open_pair(&p, &options, "city.example");
    assert_int_equal(p.client.handshake, IO_ERROR);
    assert_int_equal(p.server.handshake, IO_ERROR);
    close_pair(&p);
}

static void test_wrong_name(void **state) {
    (void)state;
    struct pair p;
    struct tls_client_options options = without_device();
    open_pair(&p, &options, "town.example");
    assert_int_equal(p.client.handshake, IO_ERROR);
    close_pair(&p);
    open_pair(&p, &options, "127.0.0.2");
    assert_int_equal(p.client.handshake, IO_ERROR);
    close_pair(&p);
}

// The server's certificate is judged at clamp(clock, T, T + 400 days).
static void test_check_time(void **state) {
    (void)state;
    assert_int_equal(tls_check_time_ms(5, 1000), 1000);
    assert_int_equal(tls_check_time_ms(2000, 1000), 2000);
    assert_int_equal(tls_check_time_ms(INT64_MAX, 1000), 1000 + 400 * DAY_MS);
    struct pair p;
    struct tls_client_options options = without_device();
    options.trusted_time_ms = clock_now_ms() + 5000 * DAY_MS; // T after the certificate's end
    open_pair(&p, &options, "city.example");
    assert_int_equal(p.client.handshake, IO_ERROR);
    assert_non_null(strstr(stream_error(p.client.stream), "expired"));
    close_pair(&p);
}

static void test_bad_files(void **state) {
    (void)state;
    struct tls_context *tls = NULL;
    char error[256];
    struct tls_server_options missing = {"/nonexistent.pem", ours.key, ours.ca};
    assert_int_equal(tls_server_new(&missing, &tls, error, sizeof error), STATUS_INVALID);
    assert_non_null(strstr(error, "/nonexistent.pem"));
    struct tls_server_options swapped = {ours.cert, ours.device_key, ours.ca};
    assert_int_equal(tls_server_new(&swapped, &tls, error, sizeof error), STATUS_INVALID);
    struct tls_server_options no_ca = {ours.cert, ours.key, ours.key};
    assert_int_equal(tls_server_new(&no_ca, &tls, error, sizeof error), STATUS_INVALID);
    assert_null(tls);
}

static int setup(void **state) {
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    make_deployment(&ours);
    make_deployment(&others);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    const struct deployment *all[] = {&ours, &others};
    for (size_t i = 0; i < 2; i++) {
        unlink(all[i]->ca);
        unlink(all[i]->cert);
        unlink(all[i]->key);
        unlink(all[i]->device);
        unlink(all[i]->device_key);
        unlink(all[i]->old);
        unlink(all[i]->recent);
        rmdir(all[i]->folder);
    }
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_device),
        cmocka_unit_test(test_with_device),
        cmocka_unit_test(test_new_keys),
        cmocka_unit_test(test_long_expired_device),
        cmocka_unit_test(test_lately_expired_device),
        cmocka_unit_test(test_foreign_device),
        cmocka_unit_test(test_foreign_server),
        cmocka_unit_test(test_wrong_name),
        cmocka_unit_test(test_check_time),
        cmocka_unit_test(test_bad_files),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
