// lianxiaod: reads the command line and the configuration, then is the master.
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "common/base/log.h"
#include "server/config.h"
#include "server/log_level.h"
#include "server/master.h"

#define MAX_SETS 64

static const char USAGE[] =
    "Usage: lianxiaod [--config FILE] [--set KEY=VALUE]... [--show-config]\n"
    "\n"
    "The server of Lianxiao. It stays in the foreground and logs to stderr.\n"
    "  --config FILE    settings, one \"key = value\" a line, # begins a comment line\n"
    "  --set KEY=VALUE  one setting, after the file\n"
    "  --show-config    prints all settings with their meaning and ends\n"
    "SIGHUP reads settings and certificates again, SIGTERM ends after what is in flight.\n"
    "Exit codes: 0 ended as asked, 1 could not start, 2 wrong usage or settings\n";

static const struct option OPTIONS[] = {
    {"config", required_argument, NULL, 'c'}, {"set", required_argument, NULL, 's'},
    {"show-config", no_argument, NULL, 'w'},  {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'v'},      {NULL, 0, NULL, 0},
};

struct arguments {
    struct config_source source;
    const char *sets[MAX_SETS];
    bool show;
};

// -1: go on; else the exit code.
static int parse(int argc, char **argv, struct arguments *out) {
    int option;
    while ((option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
        if (option == 'c') {
            out->source.file = optarg;
        } else if (option == 's' && out->source.n_sets < MAX_SETS) {
            out->sets[out->source.n_sets++] = optarg;
        } else if (option == 'w') {
            out->show = true;
        } else if (option == 'h') {
            fputs(USAGE, stdout);
            return 0;
        } else if (option == 'v') {
            puts("lianxiaod 0.1.0");
            return 0;
        } else {
            fputs(USAGE, stderr);
            return 2;
        }
    }
    out->source.sets = out->sets;
    if (optind == argc)
        return -1;
    fputs(USAGE, stderr);
    return 2;
}

// Every connection is a descriptor: all that the system allows.
static void raise_descriptor_limit(const struct config *config) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        log_warning("the limit of descriptors can't be raised");
    if (limit.rlim_cur < (rlim_t)config->max_connections)
        log_warning(
            "the system allows %lu descriptors per process, fewer than max_connections = %d",
            (unsigned long)limit.rlim_cur, config->max_connections);
}

int main(int argc, char **argv) {
    struct arguments arguments = {0};
    int code = parse(argc, argv, &arguments);
    if (code >= 0)
        return code;
    static struct config config;
    if (config_load(&config, &arguments.source, stderr) != STATUS_OK)
        return 2;
    if (arguments.show) {
        config_show(&config, stdout);
        return 0;
    }
    if (config.cert[0] == '\0' || config.key[0] == '\0' || config.ca_cert[0] == '\0' ||
        config.dsn_api[0] == '\0') {
        fputs("lianxiaod: the settings cert, key, ca_cert and dsn_api are needed\n", stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    log_open("lianxiaod", log_level_of(&config));
    raise_descriptor_limit(&config);
    if (config.security_journal[0] == '\0')
        log_warning("security_journal is not set: after a restore from a backup, whoever was "
                    "revoked since would be let in again; see deploy/BACKUP.md");
    return master_run(&config, &arguments.source);
}
