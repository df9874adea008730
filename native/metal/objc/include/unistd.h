/* SPDX-License-Identifier: MIT */
/* POSIX: only what the two files use. */
#pragma once

#define _SC_PAGESIZE 29

long sysconf(int name);
int getpid(void);
int usleep(unsigned int microseconds);
