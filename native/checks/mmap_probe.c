// SPDX-License-Identifier: MIT
//
// Preloaded before a program: writes one line for every file mapping that ends in .gguf, saying
// whether MAP_POPULATE was asked for and how much of it is resident when mmap returns:
//
//     populate=0 size=17325632 resident=0
//
// The lines go to the file in MMAP_PROBE. Resident is what /proc/self/smaps says about the mapping
// itself; unlike mincore it does not count pages that are only in the page cache.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

static long resident(const void * address) {
    FILE * smaps = fopen("/proc/self/smaps", "r");
    if (!smaps) {
        return -1;
    }
    char line[4096];
    int  inside = 0;
    long kib    = -1;
    while (fgets(line, sizeof(line), smaps)) {
        unsigned long begin, end;
        if (sscanf(line, "%lx-%lx ", &begin, &end) == 2) {
            inside = begin == (uintptr_t) address;
        } else if (inside && sscanf(line, "Rss: %ld kB", &kib) == 1) {
            break;
        }
    }
    fclose(smaps);
    return kib < 0 ? -1 : kib*1024;
}

static void report(int fd, size_t size, int flags, const void * address) {
    char link[64];
    char path[4096];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    const ssize_t n = readlink(link, path, sizeof(path) - 1);
    const char * log = getenv("MMAP_PROBE");
    if (fd < 0 || n < 5 || address == MAP_FAILED || !log) {
        return;
    }
    path[n] = '\0';
    if (strcmp(path + n - 5, ".gguf") != 0) {
        return;
    }
    FILE * out = fopen(log, "a");
    if (out) {
        fprintf(out, "populate=%d size=%zu resident=%ld\n", (flags & MAP_POPULATE) != 0, size, resident(address));
        fclose(out);
    }
}

typedef void * (*mmap_t)(void *, size_t, int, int, int, off_t);

void * mmap(void * address, size_t size, int prot, int flags, int fd, off_t offset) {
    mmap_t next = (mmap_t) dlsym(RTLD_NEXT, "mmap");
    void * result = next(address, size, prot, flags, fd, offset);
    report(fd, size, flags, result);
    return result;
}

void * mmap64(void * address, size_t size, int prot, int flags, int fd, off_t offset) {
    return mmap(address, size, prot, flags, fd, offset);
}
