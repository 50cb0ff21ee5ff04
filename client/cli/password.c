// See password.h.
#include "client/cli/password.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define PASSWORD_SIZE 512 // 128 characters of four bytes

static const char *keep(struct cli *cli, char *line) {
    line[strcspn(line, "\r\n")] = '\0';
    const char *copy = arena_string(cli->arena, view_from_string(line));
    explicit_bzero(line, PASSWORD_SIZE);
    if (copy && copy[0])
        return copy;
    cli_error(cli, _("the password is empty"));
    return NULL;
}

static const char *from_file(struct cli *cli, const char *path) {
    char line[PASSWORD_SIZE];
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (!file) {
        cli_error(cli, "%s: %s", path, strerror(errno));
        return NULL;
    }
    bool read = fgets(line, sizeof line, file) != NULL;
    if (file != stdin)
        fclose(file);
    if (read)
        return keep(cli, line);
    cli_error(cli, _("the password is empty"));
    return NULL;
}

static const char *from_terminal(struct cli *cli, const char *prompt) {
    char line[PASSWORD_SIZE];
    struct termios before;
    FILE *terminal = fopen("/dev/tty", "r+e");
    if (!terminal || tcgetattr(fileno(terminal), &before) != 0) {
        if (terminal)
            fclose(terminal);
        cli_error(cli, _("there is no terminal to ask for the password: use --password-file"));
        return NULL;
    }
    struct termios quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(fileno(terminal), TCSAFLUSH, &quiet);
    fprintf(terminal, "%s", prompt);
    fflush(terminal);
    bool read = fgets(line, sizeof line, terminal) != NULL;
    tcsetattr(fileno(terminal), TCSAFLUSH, &before);
    fputc('\n', terminal);
    fclose(terminal);
    return read ? keep(cli, line) : NULL;
}

const char *password_ask(struct cli *cli, const char *prompt, const char *file_option) {
    const char *path = cli_option(cli, file_option);
    if (!path && !isatty(STDIN_FILENO)) // a script: printf '%s\n' "$password" | lianxiao login NAME
        path = "-";
    return path ? from_file(cli, path) : from_terminal(cli, prompt);
}
