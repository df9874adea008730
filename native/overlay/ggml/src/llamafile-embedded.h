// SPDX-License-Identifier: MIT
//
// Weights inside another file, above all inside the executable that runs them.
//
// One file that holds program and model cannot lose its model, and needs no installation. A file
// that does not begin with "GGUF" may carry a model if it ends with this trailer:
//
//     16 bytes   "LLAMAFILE-GGUF", then two zero bytes
//      8 bytes   offset of the model in the file, little endian, a multiple of 4096
//
// The model starts at that offset with its own "GGUF" and is followed by the trailer. The offset is
// a multiple of 4096 so that tensors keep their alignment when the whole file is mapped.
// scripts/llamafile-embed.py writes such files. A trailer that does not hold true is reported, and
// the file is then read from its start, where it fails as any other file that is not a model.

#pragma once

#include "ggml-impl.h"

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>

#if defined(_WIN32)
#    define LLAMAFILE_FSEEK _fseeki64
#    define LLAMAFILE_FTELL _ftelli64
#else
#    define LLAMAFILE_FSEEK fseeko
#    define LLAMAFILE_FTELL ftello
#endif

// offset of the model that the file carries, 0 if it carries none or is a model itself
static inline int64_t llamafile_embedded_offset(FILE * file) {
    static const char     magic[16] = "LLAMAFILE-GGUF";
    static const uint64_t page      = 4096;

    char head[4];
    if (fread(head, 1, sizeof(head), file) != sizeof(head) || memcmp(head, "GGUF", 4) == 0) {
        return 0;
    }

    unsigned char tail[24];
    if (LLAMAFILE_FSEEK(file, -(int64_t) sizeof(tail), SEEK_END) != 0) {
        return 0;
    }
    const int64_t end = LLAMAFILE_FTELL(file);
    if (end < 0 || fread(tail, 1, sizeof(tail), file) != sizeof(tail) || memcmp(tail, magic, sizeof(magic)) != 0) {
        return 0;
    }

    uint64_t offset = 0;
    for (int i = 7; i >= 0; --i) {
        offset = offset << 8 | tail[16 + i];
    }

    if (offset == 0 || offset % page != 0 || offset >= (uint64_t) end ||
            LLAMAFILE_FSEEK(file, (int64_t) offset, SEEK_SET) != 0 ||
            fread(head, 1, sizeof(head), file) != sizeof(head) || memcmp(head, "GGUF", 4) != 0) {
        GGML_LOG_ERROR("%s: the file says that it carries a model at offset %" PRIu64 ", but none is there\n", __func__, offset);
        return 0;
    }
    return (int64_t) offset;
}

// leaves the file at the model that is to be read from it
static inline void llamafile_seek_embedded(FILE * file) {
    const int64_t offset = llamafile_embedded_offset(file);
    LLAMAFILE_FSEEK(file, offset, SEEK_SET);
}
