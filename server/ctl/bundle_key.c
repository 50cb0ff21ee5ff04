// `ca bundle-key`: a new key and certificate for bundles, put in front of those that are there. The
// former ones stay: bundles may be on their way for a term.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/net/ca.h"
#include "server/ctl/ctl.h"

// Writes `first` and what the file has had so far in its place; a crash leaves the old or the new.
static enum ctl_exit put_in_front(struct ctl *ctl, const char *path, const struct buf *first,
                                  unsigned mode) {
    struct view former = {NULL, 0};
    const char *temporary = arena_format(ctl->arena, "%s.new", path);
    struct buf whole = {0};
    enum ctl_exit exit_code = CTL_EXIT_DONE;
    if (access(path, F_OK) == 0)
        exit_code = ctl_read_file(ctl, path, &former);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    if (temporary == NULL || buf_append(&whole, first->data, buf_size(first)) != STATUS_OK ||
        buf_append(&whole, former.data, former.size) != STATUS_OK) {
        buf_free(&whole);
        return ctl_unreachable("out of memory");
    }
    (void)unlink(temporary); // of a former crash
    exit_code = ctl_write_new_file(temporary, buf_view(&whole), mode);
    if (exit_code == CTL_EXIT_DONE && rename(temporary, path) != 0)
        exit_code = ctl_unreachable("%s: %s", path, strerror(errno));
    buf_free(&whole);
    if (exit_code == CTL_EXIT_DONE)
        printf("%s\n", path);
    return exit_code;
}

// The key goes first: a certificate without its key is refused, a key too many is not.
static enum ctl_exit write_pair(struct ctl *ctl, const struct buf *certificate,
                                const struct buf *key) {
    const char *dir = ctl->arguments[0];
    const char *key_path = arena_format(ctl->arena, "%s/bundle.key", dir);
    const char *certificate_path = arena_format(ctl->arena, "%s/bundle.pem", dir);
    if (key_path == NULL || certificate_path == NULL)
        return ctl_unreachable("out of memory");
    enum ctl_exit exit_code = put_in_front(ctl, key_path, key, 0600);
    if (exit_code == CTL_EXIT_DONE)
        exit_code = put_in_front(ctl, certificate_path, certificate, 0644);
    return exit_code;
}

enum ctl_exit ctl_ca_bundle_key(struct ctl *ctl) {
    char error[512] = "";
    struct ca *ca = NULL;
    struct buf certificate = {0}, key = {0};
    const char *ca_pem = arena_format(ctl->arena, "%s/ca.pem", ctl->arguments[0]);
    const char *ca_key = arena_format(ctl->arena, "%s/ca.key", ctl->arguments[0]);
    if (ca_pem == NULL || ca_key == NULL)
        return ctl_unreachable("out of memory");
    if (ca_load_files(ca_pem, ca_key, &ca, error, sizeof error) != STATUS_OK)
        return ctl_unreachable("%s", error);
    enum status status = ca_issue_bundle(ca, clock_now_ms(), &certificate, &key);
    ca_free(&ca);
    enum ctl_exit exit_code =
        status == STATUS_OK ? write_pair(ctl, &certificate, &key)
                            : ctl_refuse("the key could not be made: %s", status_name(status));
    if (key.data != NULL)
        explicit_bzero(key.data, key.capacity);
    buf_free(&certificate);
    buf_free(&key);
    return exit_code;
}
