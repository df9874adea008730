// One core of this machine while it runs kernels: what machine.cpp decides on, cores.cpp hands out, and announced.cpp
// looks at.
#pragma once

#include <cstddef>
#include <vector>

#include "checks.h"
#include "machine.h"

namespace emulated {

// A guard page below each stack, and tops that do not all fall into the same lines of the cache.
constexpr std::size_t stack_size  = 256 * 1024;
constexpr std::size_t page        = 4096;
constexpr std::size_t above_stack = 8192 + 64;  // of a stack's size, room for the tops to differ

// A thread of a kernel. Where it waits stands in its SIMD-group.
struct Fiber {
    void *          stack = nullptr;  // where it goes on
    unsigned char * top   = nullptr;  // of the stack that it has, once it was started
    Operation       operation;        // that it waits in, and where upstream has that
    Site            site;
    Complete        complete;
    Path            path;
};

// A SIMD-group while it runs: a bit for each lane. A lane that is in none of the first three is done.
struct Simd {
    uint32_t runnable;  // can go on
    uint32_t meeting;   // wait for the values of others
    uint32_t waiting;   // at a barrier of the group
    uint32_t all;
    uint32_t unstarted; // of those that can go on
    unsigned leader;    // the lane that does what the SIMD-group does as one
    unsigned first;     // of those that meet, the lane that came first
    bool     together;  // whether all that meet wait in one place
    alignas(16) unsigned char values[lanes_of_simdgroup][value_size];
    Meeting met;

    uint32_t done() const { return all & ~(runnable | meeting | waiting); }
};

struct Core {
    const Command * command = nullptr;
    Position        group   = {};
    unsigned        threads = 0;
    unsigned        simds   = 0;
    unsigned        lane    = 0;  // of the running thread, in its SIMD-group
    unsigned        simd    = 0;
    unsigned        turn    = 0;  // place in the order of SIMD-groups
    Site            barrier = { nullptr, 0 };  // at which the group's threads wait; no file: none does
    bool            apart   = false;           // whether others of them wait at another one
    void *          outside = nullptr;
    std::vector<Fiber> fibers  = std::vector<Fiber>(most_threads);
    std::vector<Simd>  groups  = std::vector<Simd>(most_threads / lanes_of_simdgroup);
    std::vector<unsigned char *> free_stacks;
    unsigned        stacks  = 0;  // number of those that there are
    void *          buffers[most_buffers];
    unsigned char * threadgroup[most_threadgroup_memory];
    unsigned char * memory   = nullptr;  // threadgroup memory that the host asked for
    unsigned char * declared = nullptr;  // threadgroup memory that kernels declare
    Checks          checks;

    unsigned thread() const { return simd * lanes_of_simdgroup + lane; }
    Fiber &  fiber() { return fibers[thread()]; }
};

// The core that this thread of the process is; none outside of kernels.
extern thread_local Core * core __attribute__((tls_model("initial-exec")));

// Make a core ready for the groups of a command, and run one of them.
void prepare(Core & core, const Command & command);
void run_group(Core & core, Position group);

}  // namespace emulated
