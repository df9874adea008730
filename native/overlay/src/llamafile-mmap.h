// SPDX-License-Identifier: MIT
//
// Weights are mapped, not read: a page of the model comes into memory when it is first used.
//
// Populating the whole mapping before the first token makes every start as slow as reading the
// file, also for runs that touch few pages: a prompt that is refused, a mixture of experts that
// visits some of them, a second process on the same machine. So the mapping is left alone here,
// and a person with a cold disk and a long session asks for the old way:
//
//     LLAMAFILE_MMAP_PREFETCH=1    populate the mapping while loading
//     unset, empty or 0            leave pages until they are used
//
// Where mmap is POSIX only; the Windows mapping keeps its own prefetch. --mlock still brings
// everything in, as it has to.

#pragma once

#include <cstdlib>
#include <cstring>

// true when a mapping is to be made without bringing its pages in
static inline bool llamafile_mmap_lazy() {
    const char * value = getenv("LLAMAFILE_MMAP_PREFETCH");
    return value == nullptr || *value == '\0' || strcmp(value, "0") == 0;
}
