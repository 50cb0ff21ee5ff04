// Build tool: turns proto/reasons.csv into reasons.inc, one X(...) line a reason, which
// common/wire/reason.h and reason.c expand into the enum and the table.
// Checks the table while it is at it: unique ascending numbers, known codes, every {place} named in
// `parameters` and present in both languages. Usage: generate_reasons IN.csv OUT.inc
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMN_NUMBER, COLUMN_ID, COLUMN_CODE, COLUMN_PARAMETERS, COLUMN_EN, COLUMN_ZH, COLUMNS };

static const char *const CODES[] = {
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
    "CANCELLED",
    "UNKNOWN",
};

static int line_number;

static void fail(const char *what, const char *detail) {
    fprintf(stderr, "reasons.csv:%d: %s: %s\n", line_number, what, detail);
    exit(1);
}

// Splits one CSV line in place (quotes doubled inside quotes); returns the number of columns.
static int split(char *line, char *columns[COLUMNS]) {
    int n = 0;
    char *in = line;
    for (;;) {
        if (n == COLUMNS)
            fail("more than 6 columns", line);
        char *out = in;
        columns[n++] = out;
        if (*in == '"') {
            for (in++; *in != '\0' && (*in != '"' || in[1] == '"'); in++) {
                if (*in == '"')
                    in++;
                *out++ = *in;
            }
            if (*in++ != '"')
                fail("quote not closed", line);
        } else {
            while (*in != '\0' && *in != ',')
                *out++ = *in++;
        }
        char end = *in;
        *out = '\0';
        if (end == '\0')
            return n;
        if (end != ',')
            fail("text behind a quote", columns[n - 1]);
        in++;
    }
}

static void check_code(const char *code) {
    for (size_t i = 0; i < sizeof CODES / sizeof CODES[0]; i++)
        if (strcmp(code, CODES[i]) == 0)
            return;
    fail("unknown code", code);
}

// Every {name} of the text is in the space-separated list, and the other way round.
static void check_places(const char *text, const char *parameters) {
    for (const char *p = strchr(text, '{'); p != NULL; p = strchr(p + 1, '{')) {
        const char *end = strchr(p, '}');
        if (end == NULL)
            fail("{ without }", text);
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)(end - p - 1), p + 1);
        const char *found = strstr(parameters, name);
        if (found == NULL)
            fail("place that is not a parameter", name);
    }
    char copy[256];
    snprintf(copy, sizeof copy, "%s", parameters);
    for (char *name = strtok(copy, " "); name != NULL; name = strtok(NULL, " ")) {
        char place[80];
        snprintf(place, sizeof place, "{%s}", name);
        if (strstr(text, place) == NULL)
            fail("parameter that the text does not use", name);
    }
}

static void write_string(FILE *out, const char *text) {
    fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void write_row(FILE *out, char *columns[COLUMNS]) {
    fputs("X(", out);
    for (const char *p = columns[COLUMN_ID]; *p != '\0'; p++)
        fputc(toupper((unsigned char)*p), out);
    fprintf(out, ", %s, LX__CODE__%s, ", columns[COLUMN_NUMBER], columns[COLUMN_CODE]);
    write_string(out, columns[COLUMN_ID]);
    for (int i = COLUMN_PARAMETERS; i < COLUMNS; i++) {
        fputs(", ", out);
        write_string(out, columns[i]);
    }
    fputs(")\n", out);
}

static void convert(FILE *in, FILE *out) {
    char line[2048];
    long last = 0;
    while (fgets(line, sizeof line, in) != NULL) {
        line_number++;
        line[strcspn(line, "\r\n")] = '\0';
        if (line_number == 1 || line[0] == '\0' || line[0] == '#')
            continue;
        char *columns[COLUMNS];
        if (split(line, columns) != COLUMNS)
            fail("not 6 columns", line);
        long number = strtol(columns[COLUMN_NUMBER], NULL, 10);
        if (number <= last)
            fail("numbers must ascend", columns[COLUMN_NUMBER]);
        last = number;
        check_code(columns[COLUMN_CODE]);
        check_places(columns[COLUMN_EN], columns[COLUMN_PARAMETERS]);
        check_places(columns[COLUMN_ZH], columns[COLUMN_PARAMETERS]);
        write_row(out, columns);
    }
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: generate_reasons IN.csv OUT.inc\n");
        return 2;
    }
    FILE *in = fopen(argv[1], "r");
    FILE *out = fopen(argv[2], "w");
    if (in == NULL || out == NULL) {
        perror("generate_reasons");
        return 1;
    }
    convert(in, out);
    fclose(in);
    return fclose(out) == 0 ? 0 : 1;
}
