/* SPDX-License-Identifier: MIT */
/* C's input and output: only what the two files and the headers that they include use. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

typedef struct __stub_file FILE;

int snprintf(char * restrict into, size_t size, const char * restrict format, ...) __attribute__((format(printf, 3, 4)));
