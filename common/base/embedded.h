// A text file that was put into the program at build time (cmake/LxEmbed.cmake): SQL, schemes.
// The tables are constant and live as long as the program.
#pragma once

#include <stddef.h>

struct embedded_text {
    const char *name; // file name without folder and extension
    const char *text; // NUL-terminated
    size_t size;      // bytes of text, without the NUL
};
