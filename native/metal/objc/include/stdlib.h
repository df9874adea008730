/* SPDX-License-Identifier: MIT */
/* C's general functions: only what the two files and the headers that they include use. */
#pragma once

#include <stddef.h>

void * calloc(size_t count, size_t size) __attribute__((malloc, alloc_size(1, 2), warn_unused_result));
void * malloc(size_t size) __attribute__((malloc, alloc_size(1), warn_unused_result));
void free(void * memory);
int posix_memalign(void ** memory, size_t alignment, size_t size);

char * getenv(const char * name);
int atoi(const char * text);
