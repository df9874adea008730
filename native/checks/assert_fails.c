// SPDX-License-Identifier: MIT
//
// Fails an assertion: on the main thread, or with an argument "thread" on another one.

#include "ggml.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void * fail(void * argument) {
    (void) argument;
    GGML_ASSERT(1 + 1 == 3);
    return NULL;
}

static void at_exit(void) {
    // must not run: other threads may still be working
    abort();
}

int main(int argc, char ** argv) {
    atexit(at_exit);
    if (argc > 1 && strcmp(argv[1], "thread") == 0) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, fail, NULL) == 0) {
            pthread_join(thread, NULL);
        }
    } else {
        fail(NULL);
    }
    return 0;
}
