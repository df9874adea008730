// SPDX-License-Identifier: MIT
//
// What a binary says about the fork that it was built from.
//
// The upstream commit alone does not tell which local changes are inside, so a report from the
// field could not be matched with a source tree. Two names are handed to CMake:
//
//     -DFORKKEEPER_PIN=...       the upstream commit that the fork stands on
//     -DFORKKEEPER_QUEUE=...     the digest of the local changes
//
// Only the generated build-info.cpp holds them, so a new value recompiles one file. A name that was
// not handed over is shown as "unknown": a binary never claims a pin that nobody stated.

#pragma once

#include <string>

static inline const char * llamafile_build_target(const char * target, const char * pin, const char * queue) {
    const auto stated = [](const char * value) { return std::string(*value ? value : "unknown"); };

    static const std::string text = std::string(target) + " (fork of " + stated(pin) + ", queue " + stated(queue) + ")";
    return text.c_str();
}
