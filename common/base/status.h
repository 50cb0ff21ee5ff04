// What a function that can fail returns, and the one macro that passes a failure on.
// Owns nothing. Used by everything.
#pragma once

enum status {
    STATUS_OK = 0,
    STATUS_INVALID,   // the input is wrong: the caller's peer or user is told
    STATUS_NOT_FOUND, // what was asked for does not exist (or is not theirs to see)
    STATUS_DENIED,    // it exists, but not for them
    STATUS_EXISTS,    // it is there already
    STATUS_CONFLICT,  // somebody else changed it meanwhile
    STATUS_LIMIT,     // a cap was reached (bytes, entries, tries)
    STATUS_AGAIN,     // not now: try later
    STATUS_NO_MEMORY, // an allocation failed
    STATUS_IO,        // the operating system refused; errno says why
    STATUS_CORRUPT,   // stored data does not add up
};

#define MUST_USE __attribute__((warn_unused_result))

// Returns the failure of `x` from the calling function.
#define TRY(x)                                                                                     \
    do {                                                                                           \
        enum status try_status_ = (x);                                                             \
        if (try_status_ != STATUS_OK)                                                              \
            return try_status_;                                                                    \
    } while (0)

// A lower-case English word for logs: "ok", "invalid", ...
const char *status_name(enum status status);
