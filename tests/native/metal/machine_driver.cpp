// Runs one kernel on the machine: `machine_driver KERNEL X,Y,Z X,Y,Z WORD...`: groups, threads of each, and then
//   buffer=INDEX:BYTES[:READ]    a buffer of BYTES, zero but for what READ bytes of standard input give
//   bytes=INDEX:BYTES            a value, from standard input
//   threadgroup=INDEX:BYTES      memory of the group
//   constant=INDEX:VALUE         a function constant
// Standard output: the buffers as they are afterwards, one behind the other.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>

#include "machine.h"
#include "report.h"

using namespace emulated;

static Position position(const char * text) {
    Position found{};
    if (std::sscanf(text, "%u,%u,%u", &found.x, &found.y, &found.z) != 3) {
        fail("no position: %s", text);
    }
    return found;
}

static void read(unsigned char * to, std::size_t size) {
    if (std::fread(to, 1, size, stdin) != size) {
        fail("standard input is too short");
    }
}

int main(int count, char ** words) {
    const auto known = count > 3 ? kernels().find(words[1]) : kernels().end();
    if (known == kernels().end()) {
        fail("no kernel of this name");
    }
    Pipeline                               pipeline{ words[1], known->second, {} };
    Command                                command;
    std::deque<std::vector<unsigned char>> held;
    std::vector<Binding>                   buffers;
    command.pipeline = &pipeline;
    command.groups   = position(words[2]);
    command.threads  = position(words[3]);
    for (int at = 4; at < count; at++) {
        char      what[16] = "";
        unsigned  index    = 0;
        long long first = 0, second = 0;
        if (std::sscanf(words[at], "%15[a-z]=%u:%lld:%lld", what, &index, &first, &second) < 3) {
            fail("not known: %s", words[at]);
        }
        const std::string kind = what;
        if (kind == "buffer") {
            held.emplace_back(static_cast<std::size_t>(first) + 4096);  // as the device pads them
            read(held.back().data(), static_cast<std::size_t>(second));
            command.buffers[index] = { held.back().data(), static_cast<std::size_t>(first) };
            buffers.push_back(command.buffers[index]);
        } else if (kind == "bytes") {
            command.bytes[index].resize(static_cast<std::size_t>(first));
            read(command.bytes[index].data(), static_cast<std::size_t>(first));
        } else if (kind == "threadgroup") {
            command.threadgroup[index] = static_cast<std::size_t>(first);
        } else if (kind == "constant") {
            for (const Constant * constant : constants_of(*known->second)) {
                if (constant->index == static_cast<int>(index)) {
                    pipeline.constants.emplace_back(constant, first);
                }
            }
        } else {
            fail("not known: %s", words[at]);
        }
    }
    run(command);
    for (const Binding & buffer : buffers) {
        std::fwrite(buffer.at, 1, buffer.size, stdout);
    }
    return 0;
}
