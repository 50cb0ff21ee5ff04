// `ca init`: the CA of a deployment, the server's first certificate, the key that signs the audit
// chain and the key that bundles are encrypted to, as PEM files in one folder. Keys are 0600.
// Nothing that exists is overwritten: a second CA would lock every device out. (`ca bundle-key`:
// bundle_key.c)
#include "server/ctl/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/net/ca.h"
#include "server/audit/key.h"

#define SERVER_NAMES_MAX 16

struct material {
    struct buf ca_certificate;
    struct buf ca_key;
    struct buf server_certificate;
    struct buf server_key;
    struct buf audit_key;
    struct buf audit_public_key;
    struct buf bundle_certificate;
    struct buf bundle_key;
};

static void material_free(struct material *material) {
    buf_free(&material->ca_certificate);
    buf_free(&material->ca_key);
    buf_free(&material->server_certificate);
    buf_free(&material->server_key);
    buf_free(&material->audit_key);
    buf_free(&material->audit_public_key);
    buf_free(&material->bundle_certificate);
    buf_free(&material->bundle_key);
}

// Splits "a,b" in place.
static size_t split_names(char *text, const char *out_names[SERVER_NAMES_MAX]) {
    size_t n = 0;
    char *rest = NULL;
    for (char *name = strtok_r(text, ", ", &rest); name != NULL && n < SERVER_NAMES_MAX;
         name = strtok_r(NULL, ", ", &rest))
        out_names[n++] = name;
    return n;
}

static enum status make_material(const char *ca_name, const char *const *names, size_t n_names,
                                 struct material *out) {
    int64_t now_ms = clock_now_ms();
    struct ca *ca = NULL;
    TRY(ca_create(ca_name, now_ms, &out->ca_certificate, &out->ca_key));
    TRY(ca_load(buf_view(&out->ca_certificate), buf_view(&out->ca_key), &ca));
    enum status status =
        ca_issue_server(ca, names, n_names, now_ms, &out->server_certificate, &out->server_key);
    if (status == STATUS_OK)
        status = ca_issue_bundle(ca, now_ms, &out->bundle_certificate, &out->bundle_key);
    ca_free(&ca);
    if (status == STATUS_OK)
        status = audit_key_create(&out->audit_key, &out->audit_public_key);
    return status;
}

static enum ctl_exit write_material(struct ctl *ctl, const char *dir,
                                    const struct material *material) {
    const struct {
        const char *name;
        const struct buf *content;
        unsigned mode;
    } files[] = {
        {"ca.key", &material->ca_key, 0600},
        {"ca.pem", &material->ca_certificate, 0644},
        {"server.key", &material->server_key, 0600},
        {"server.pem", &material->server_certificate, 0644},
        {"audit.key", &material->audit_key, 0600},
        {"audit.pub", &material->audit_public_key, 0644},
        {"bundle.key", &material->bundle_key, 0600},
        {"bundle.pem", &material->bundle_certificate, 0644},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const char *path = arena_format(ctl->arena, "%s/%s", dir, files[i].name);
        if (path == NULL)
            return ctl_unreachable("out of memory");
        enum ctl_exit exit_code =
            ctl_write_new_file(path, buf_view(files[i].content), files[i].mode);
        if (exit_code != CTL_EXIT_DONE)
            return exit_code;
        printf("%s\n", path);
    }
    return CTL_EXIT_DONE;
}

enum ctl_exit ctl_ca_init(struct ctl *ctl) {
    const char *dir = ctl->arguments[0];
    const char *name = ctl_value(ctl, "name");
    const char *server_names = ctl_value(ctl, "server-name");
    if (server_names == NULL)
        server_names = "localhost,127.0.0.1";
    char *text = arena_string(ctl->arena, view_from_string(server_names));
    const char *names[SERVER_NAMES_MAX];
    size_t n_names = text != NULL ? split_names(text, names) : 0;
    if (n_names == 0)
        return ctl_refuse("--server-name: no name in \"%s\"", server_names);
    if (mkdir(dir, 0755) != 0 && errno != EEXIST)
        return ctl_unreachable("%s: %s", dir, strerror(errno));

    struct material material = {0};
    enum status status = make_material(name != NULL ? name : "Lianxiao", names, n_names, &material);
    enum ctl_exit exit_code =
        status == STATUS_OK
            ? write_material(ctl, dir, &material)
            : ctl_refuse("the certificates could not be made: %s", status_name(status));
    material_free(&material);
    return exit_code;
}
