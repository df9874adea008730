/* SPDX-License-Identifier: MIT */
/* C's strings and memory: only what the two files and the headers that they include use. */
#pragma once

#include <stddef.h>

void * memcpy(void * restrict into, const void * restrict from, size_t size);
void * memset(void * into, int value, size_t size);

size_t strlen(const char * text);
int strcmp(const char * one, const char * other);
int strncmp(const char * one, const char * other, size_t size);
