/* SPDX-License-Identifier: MIT */
/* C's formats of integers. On Apple's systems int64_t is long long on every processor. */
#pragma once

#include <stdint.h>

#define PRId32 "d"
#define PRIi32 "i"
#define PRIu32 "u"
#define PRIx32 "x"
#define PRId64 "lld"
#define PRIi64 "lli"
#define PRIu64 "llu"
#define PRIx64 "llx"
