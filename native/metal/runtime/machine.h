// Runs kernels: threadgroups on the processor's cores, the threads of a group as fibers of one core.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "../shader/invocation.h"

namespace emulated {

constexpr unsigned    most_buffers            = 31;
constexpr unsigned    most_threadgroup_memory = 8;   // buffers of it, by index
constexpr unsigned    most_threads            = 1024;
constexpr std::size_t threadgroup_memory_size = 32768;
constexpr std::size_t threadgroup_slack       = 1024;  // bytes behind each memory of a group, whose pattern must not change
constexpr std::size_t asked_memory_size       = threadgroup_memory_size * 4;  // for what the host asks for, with slack
constexpr std::size_t declared_memory_size    = 1 << 20;                      // for what all kernels declare, with slack

// In which order the SIMD-groups of a group begin, and groups and independent commands are run. Hardware promises none.
enum class Order { forward, reverse, rotate };

// A range of memory that a kernel is handed. size -- bytes up to the end of its buffer; 0: none was set
struct Binding {
    unsigned char * at   = nullptr;
    std::size_t     size = 0;
};

// A kernel with its function constants, as the host made it.
struct Pipeline {
    std::string                  name;
    const Registration *         kernel;
    std::vector<std::pair<const Constant *, std::int64_t>> constants;
};

// One dispatch of a kernel.
struct Command {
    const Pipeline *           pipeline = nullptr;
    Binding                    buffers[most_buffers];
    std::vector<unsigned char> bytes[most_buffers];  // what was set by value
    std::size_t                threadgroup[most_threadgroup_memory] = {};
    Position                   groups  = { 1, 1, 1 };
    Position                   threads = { 1, 1, 1 };
    bool                       barrier = false;      // nothing before it may run after it
};

// A piece of the memory that kernels declare.
struct Reserved {
    std::size_t at, size;
};

// What the shaders say of themselves, registry.cpp: all kernels by name; all memory that they declare, by place; the
// function constants that a kernel can reach.
const std::map<std::string, const Registration *> & kernels();
const std::vector<Reserved> &                       declared_memory();
std::vector<const Constant *>                       constants_of(const Registration & kernel);

// Run one command to its end, cores.cpp. Groups are shared among the cores; one command runs at a time in a process.
void run(const Command & command);

Order order();

}  // namespace emulated
