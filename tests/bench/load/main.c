// See load.h: the lines.
#include <event2/event.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "load.h"
#include "tests/lib/precise_base.h"

#define SIDES_MAX 32
#define LINE_MAX_SIZE 32768
#define WORDS_MAX 8
#define HELLOS 256 // connections that log in at a time; a server bounds how many wait for it

struct generator {
    struct event_base *base;
    struct side sides[SIDES_MAX];
    struct arena *arena; // what lives as long as the process
};

void fatal(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

static int split(char *line, char *words[WORDS_MAX]) {
    int n = 0;
    char *rest = line;
    for (char *word; n < WORDS_MAX && (word = strtok_r(rest, " \n", &rest)) != NULL;)
        words[n++] = word;
    return n;
}

static struct side *find_side(struct generator *generator, const char *name) {
    for (size_t i = 0; i < SIDES_MAX; i++)
        if (strcmp(generator->sides[i].name, name) == 0)
            return &generator->sides[i];
    if (name[0] == '\0')
        fatal("too many sides");
    fatal("no side %s", name);
}

// Hex text, "-" for nothing, to bytes in the arena.
static struct view from_hex(struct generator *generator, const char *text) {
    if (strcmp(text, "-") == 0)
        return view_from(NULL, 0);
    size_t size = strlen(text) / 2;
    uint8_t *bytes = arena_alloc(generator->arena, size + 1);
    for (size_t i = 0; bytes && i < size; i++)
        if (sscanf(text + 2 * i, "%2hhx", &bytes[i]) != 1)
            fatal("not hex: %s", text);
    return view_from(bytes, size);
}

static void set_id(struct generator *generator, const char *text, struct uuid *out_id) {
    struct view bytes = from_hex(generator, text);
    if (bytes.size > 0 && uuid_from_bytes(bytes, out_id) != STATUS_OK)
        fatal("not an id: %s", text);
}

// ---- open ----

struct context_cache {
    char cert[LINE_MAX_SIZE];
    SSL_CTX *tls;
};

// Lines of one device follow each other, so the last context serves most of them.
static SSL_CTX *context_for(struct context_cache *cache, const char *ca, char *words[WORDS_MAX],
                            enum peer_protocol protocol) {
    bool has_cert = strcmp(words[0], "-") != 0;
    if (!cache->tls || strcmp(cache->cert, words[0]) != 0) {
        cache->tls =
            peer_context(ca, has_cert ? words[0] : NULL, has_cert ? words[1] : NULL, protocol);
        snprintf(cache->cert, sizeof cache->cert, "%s", words[0]);
    }
    return cache->tls;
}

static size_t count_lines(FILE *file) {
    size_t n = 0;
    for (int c; (c = getc(file)) != EOF;)
        n += c == '\n';
    rewind(file);
    return n;
}

static void open_peers(struct generator *generator, struct side *side, const char *ca, FILE *file) {
    struct context_cache cache = {.tls = NULL};
    struct view *tokens = calloc(side->n_peers, sizeof *tokens);
    char line[LINE_MAX_SIZE];
    char *words[WORDS_MAX];
    if (!tokens)
        fatal("no memory");
    for (size_t i = 0; i < side->n_peers && fgets(line, sizeof line, file); i++) {
        struct peer *peer = &side->peers[i];
        if (split(line, words) != 7)
            fatal("line %zu has not 7 words", i + 1);
        side->target.tls = context_for(&cache, ca, words, side->target.protocol);
        tokens[i] = from_hex(generator, words[2]);
        set_id(generator, words[3], &peer->stream);
        peer->subjects = from_hex(generator, words[4]);
        peer->next_op = strtoull(words[5], NULL, 10);
        peer->payload = from_hex(generator, words[6]);
        peer_open(peer, &side->target, generator->base);
        bool pause = (i + 1) % HELLOS == 0 || i + 1 == side->n_peers;
        if (side->target.protocol == PEER_LX && pause)
            run_hello(&side->peers[i - i % HELLOS], tokens + (i - i % HELLOS), i % HELLOS + 1,
                      generator->base);
    }
    free(tokens);
}

static void do_open(struct generator *generator, char *words[WORDS_MAX], int n) {
    if (n != 7)
        fatal("open NAME lx|http HOST PORT CA FILE");
    struct side *side = find_side(generator, "");
    FILE *file = fopen(words[6], "r");
    if (!file)
        fatal("cannot read %s", words[6]);
    snprintf(side->name, sizeof side->name, "%s", words[1]);
    side->target.protocol = strcmp(words[2], "lx") == 0 ? PEER_LX : PEER_HTTP;
    side->target.host = arena_string(generator->arena, view_from_string(words[3]));
    side->target.port = atoi(words[4]);
    side->n_peers = count_lines(file);
    side->peers = calloc(side->n_peers, sizeof *side->peers);
    if (!side->peers || !side->target.host)
        fatal("no memory");
    open_peers(generator, side, words[5], file);
    fclose(file);
    printf("{\"opened\": %zu}\n", side->n_peers);
}

static void do_close(struct generator *generator, const char *name) {
    struct side *side = find_side(generator, name);
    for (size_t i = 0; i < side->n_peers; i++)
        peer_close(&side->peers[i]);
    free(side->peers);
    *side = (struct side){.n_peers = 0};
    printf("{}\n");
}

// ---- run ----

static double ms_at(const struct run_result *result, double share) {
    return (double)histogram_at(&result->latency, share) / 1e6;
}

static void print_result(const struct run_result *result) {
    printf("{\"requests\": %llu, \"seconds\": %.6f, \"cpu_s\": %.6f, \"p50_ms\": %.4f, "
           "\"p99_ms\": %.4f, \"p999_ms\": %.4f, \"max_ms\": %.4f}\n",
           (unsigned long long)result->latency.count, result->seconds, result->cpu_s,
           ms_at(result, 0.5), ms_at(result, 0.99), ms_at(result, 0.999),
           (double)result->latency.max_ns / 1e6);
}

static void do_run(struct generator *generator, char *words[WORDS_MAX], int n) {
    static struct run_result result;
    bool open = n == 6 && strcmp(words[2], "open") == 0;
    if (!open && n != 5)
        fatal("run NAME closed WHAT EACH | run NAME open WHAT SECONDS RATE");
    struct run run = {.side = find_side(generator, words[1])};
    if (strncmp(words[3], "push:", 5) == 0)
        run.records = (unsigned)atoi(words[3] + 5);
    else if (strncmp(words[3], "call:", 5) == 0)
        run.method = (uint16_t)atoi(words[3] + 5);
    run.rate = open ? atof(words[5]) : 0;
    run.requests = open ? (uint64_t)(atof(words[4]) * run.rate)
                        : strtoull(words[4], NULL, 10) * run.side->n_peers;
    if (run.requests == 0)
        fatal("nothing to send");
    memset(&result, 0, sizeof result);
    run_measure(&run, generator->base, &result);
    print_result(&result);
}

static void do_shake(struct generator *generator, const char *name, int count) {
    static struct run_result result;
    struct side *side = find_side(generator, name);
    int64_t started_ns = load_now_ns();
    memset(&result, 0, sizeof result);
    for (int i = 0; i < count; i++) {
        int64_t before_ns = load_now_ns();
        peer_shake(&side->target);
        histogram_add(&result.latency, load_now_ns() - before_ns);
    }
    result.seconds = (double)(load_now_ns() - started_ns) / 1e9;
    print_result(&result);
}

int main(void) {
    struct generator generator = {.arena = arena_new(0)};
    char line[LINE_MAX_SIZE];
    char *words[WORDS_MAX];
    generator.base = precise_base();
    if (!generator.arena || !generator.base)
        fatal("no memory");
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof line, stdin)) {
        int n = split(line, words);
        if (n >= 2 && strcmp(words[0], "open") == 0)
            do_open(&generator, words, n);
        else if (n >= 2 && strcmp(words[0], "run") == 0)
            do_run(&generator, words, n);
        else if (n == 3 && strcmp(words[0], "shake") == 0)
            do_shake(&generator, words[1], atoi(words[2]));
        else if (n == 2 && strcmp(words[0], "close") == 0)
            do_close(&generator, words[1]);
        else
            fatal("not a command: %s", n > 0 ? words[0] : "an empty line");
    }
    return 0;
}
