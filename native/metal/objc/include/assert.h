/* SPDX-License-Identifier: MIT */
/* C's assert, without what it does. */
#undef assert
#ifdef NDEBUG
#define assert(condition) ((void) 0)
#else
void __stub_assertion_failed(const char * condition) __attribute__((noreturn));
#define assert(condition) ((condition) ? (void) 0 : __stub_assertion_failed(#condition))
#endif

#ifndef static_assert
#define static_assert _Static_assert
#endif
