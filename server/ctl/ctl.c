// What the commands of lianxiaoctl share: options, messages, files, one call of the database.
#include "server/ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/wire/digest.h"

#define FILE_LIMIT_BYTES ((size_t)64 << 20)

const char *ctl_value(const struct ctl *ctl, const char *option) {
    for (size_t i = 0; ctl->command->options[i].name != NULL; i++)
        if (strcmp(ctl->command->options[i].name, option) == 0)
            return ctl->values[i];
    abort(); // the command's row in the table has no such option
}

static void __attribute__((format(printf, 1, 0))) complain(const char *format, va_list arguments) {
    fflush(stdout);
    fputs("lianxiaoctl: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

enum ctl_exit ctl_refuse(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    complain(format, arguments);
    va_end(arguments);
    return CTL_EXIT_REFUSED;
}

enum ctl_exit ctl_unreachable(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    complain(format, arguments);
    va_end(arguments);
    return CTL_EXIT_UNREACHABLE;
}

enum ctl_exit ctl_database_failed(const struct ctl *ctl, enum status status) {
    if (status == STATUS_NO_MEMORY)
        return ctl_unreachable("out of memory");
    if (db_sync_is_broken(ctl->db))
        return ctl_unreachable("the connection to the database broke: %s", db_sync_error(ctl->db));
    return ctl_refuse("the database refused (%s): %s", db_sync_sqlstate(ctl->db),
                      db_sync_error(ctl->db));
}

enum ctl_exit ctl_query(struct ctl *ctl, const char *sql, struct db_params *params,
                        struct db_result **out_result) {
    enum status status = db_sync_sql(ctl->db, sql, params, out_result);
    return status == STATUS_OK ? CTL_EXIT_DONE : ctl_database_failed(ctl, status);
}

static bool read_all(int fd, uint8_t *data, size_t size) {
    size_t done = 0;
    while (done < size) {
        ssize_t n = read(fd, data + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

enum ctl_exit ctl_read_file(struct ctl *ctl, const char *path, struct view *out_text) {
    struct stat info;
    enum ctl_exit exit_code = CTL_EXIT_UNREACHABLE;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ctl_unreachable("%s: %s", path, strerror(errno));
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        ctl_unreachable("%s: not a regular file", path);
    } else if ((size_t)info.st_size > FILE_LIMIT_BYTES) {
        ctl_unreachable("%s: larger than %zu MiB", path, FILE_LIMIT_BYTES >> 20);
    } else {
        size_t size = (size_t)info.st_size;
        uint8_t *data = arena_alloc(ctl->arena, size + 1);
        if (data == NULL) {
            ctl_unreachable("out of memory");
        } else if (!read_all(fd, data, size)) {
            ctl_unreachable("%s: can't be read: %s", path, strerror(errno));
        } else {
            *out_text = view_from(data, size);
            exit_code = CTL_EXIT_DONE;
        }
    }
    close(fd);
    return exit_code;
}

enum ctl_exit ctl_write_new_file(const char *path, struct view content, unsigned mode) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
    if (fd < 0)
        return ctl_unreachable("%s: %s", path, strerror(errno));
    size_t done = 0;
    while (done < content.size) {
        ssize_t n = write(fd, content.data + done, content.size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        done += (size_t)n;
    }
    bool complete = done == content.size && fsync(fd) == 0;
    if (close(fd) != 0 || !complete)
        return ctl_unreachable("%s: can't be written: %s", path, strerror(errno));
    return CTL_EXIT_DONE;
}

enum ctl_exit ctl_parse_number(const char *name, const char *text, long least, long most,
                               long *out_value) {
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < least || value > most)
        return ctl_refuse("%s: \"%s\" is not a whole number from %ld to %ld", name, text, least,
                          most);
    *out_value = value;
    return CTL_EXIT_DONE;
}

struct uuid ctl_id_of(const char *what, struct view code) {
    uint8_t digest[DIGEST_SHA256_SIZE];
    const struct view parts[] = {view_from_string("lianxiao "), view_from_string(what),
                                 view_from_string(" "), code};
    digest_sha256_parts(parts, sizeof parts / sizeof parts[0], digest);
    return uuid_from_digest(digest);
}
