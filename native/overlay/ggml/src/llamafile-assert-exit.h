// SPDX-License-Identifier: MIT
//
// A failed assertion that ends with an exit status instead of a signal, when asked for.
//
// abort() is what a developer wants: a core file and a debugger. Whoever runs the program under
// a service manager, in a container or from a script gets gigabytes of core dump (the weights are
// mapped) and a signal where a status was expected. They ask for a status of their choice:
//
//     LLAMAFILE_ASSERT_EXIT=N      N from 1 to 255: print the message, then end with status N
//     unset or empty               abort, as always
//     anything else                say so, then abort
//
// The message and, unless GGML_NO_BACKTRACE is set, the backtrace have been printed by then, and
// an abort callback has been called. _Exit is used on purpose: other threads may be in the middle
// of anything, so neither destructors nor atexit handlers may run.

#pragma once

#include <stdio.h>
#include <stdlib.h>

// does not return when a status was asked for
static void llamafile_assert_exit(void) {
    const char * value = getenv("LLAMAFILE_ASSERT_EXIT");
    if (value == NULL || *value == '\0') {
        return;
    }

    char * end = NULL;
    const long status = strtol(value, &end, 10);
    if (*end != '\0' || status < 1 || status > 255) {
        fprintf(stderr, "LLAMAFILE_ASSERT_EXIT: '%s' is not a status from 1 to 255, aborting\n", value);
        return;
    }

    fflush(stderr);
    _Exit((int) status);
}
