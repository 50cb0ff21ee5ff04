// See language.h. The catalogue lies beside the program: ../share/locale where it is installed,
// ../../po/locale in a build folder, or in $LIANXIAO_LOCALE_DIR.
#include "client/cli/language.h"

#include <libgen.h>
#include <libintl.h>
#include <limits.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DOMAIN "lianxiao"

// The first of these that is set and not empty, as setlocale would look.
static const char *wanted_locale(void) {
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);
        if (value && value[0])
            return value;
    }
    return "C";
}

static bool is_plain(const char *locale) {
    return strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0;
}

static bool try_catalogue(const char *folder) {
    char file[PATH_MAX];
    int size = snprintf(file, sizeof file, "%s/zh_CN/LC_MESSAGES/" DOMAIN ".mo", folder);
    bool fits = size > 0 && (size_t)size < sizeof file;
    return fits && access(file, R_OK) == 0 && bindtextdomain(DOMAIN, folder) != NULL;
}

static void find_catalogue(void) {
    static const char *const places[] = {"../share/locale", "../../po/locale"};
    char program[PATH_MAX];
    char folder[PATH_MAX];
    const char *given = getenv("LIANXIAO_LOCALE_DIR");
    if (given && try_catalogue(given))
        return;
    ssize_t size = readlink("/proc/self/exe", program, sizeof program - 1);
    if (size <= 0)
        return;
    program[size] = '\0';
    const char *home = dirname(program);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        int n = snprintf(folder, sizeof folder, "%s/%s", home, places[i]);
        if (n > 0 && (size_t)n < sizeof folder && try_catalogue(folder))
            return;
    }
}

enum reason_language language_open(void) {
    const char *locale = wanted_locale();
    const char *language = getenv("LANGUAGE");
    bool plain = is_plain(locale);
    if (plain || !language || !language[0])
        language = locale;
    bool chinese = !plain && strncmp(language, "zh", 2) == 0;
    if (!setlocale(LC_ALL, ""))
        setlocale(LC_ALL, "C.UTF-8");
    setlocale(LC_NUMERIC, "C"); // JSON and CSV want points
    if (chinese) {
        setenv("LANGUAGE", "zh_CN", 1);
        // gettext looks at LANGUAGE only outside the "C" locale.
        if (is_plain(setlocale(LC_MESSAGES, NULL)))
            setlocale(LC_MESSAGES, "C.UTF-8");
    }
    find_catalogue();
    bind_textdomain_codeset(DOMAIN, "UTF-8");
    textdomain(DOMAIN);
    return chinese ? REASON_LANGUAGE_ZH : REASON_LANGUAGE_EN;
}
