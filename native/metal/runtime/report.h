// What a process that ran kernels has to say of itself: one line of JSON at its end, in the file that
// FORKKEEPER_METAL_REPORT names.
#pragma once

#include <cstdint>
#include <string>

namespace emulated {

struct Pipeline;

// End the program with a message: the emulation itself cannot go on.
[[noreturn]] void fail(const char * format, ...) __attribute__((format(printf, 1, 2)));

// What is allowed here and would not be, or not be defined, on hardware. Each may hide a fault, so each is counted.
enum class Workaround {
    division_by_zero,    // integer division without a result: 0 here
    lanes_in_step,       // lanes of a SIMD-group that rely on running in step, without a barrier
    value_written_again, // two SIMD-groups write one value to one place, without a barrier
    unset_constant,      // a function constant that the host did not set: 0 here
    length_not_of_sixteen,  // threadgroup memory of a length that Metal's validation refuses
    COUNT,
};
void count(Workaround what, std::uint64_t times = 1);

// A fault of a kernel or of the host: kind and kernel and place make it one; text tells the first of its kind.
// at -- an address in the code, for the place, where `where` is empty
void fault(const char * kind, const std::string & kernel, const std::string & where, const void * at, const std::string & text);

void missing(const std::string & kernel);
void dispatched(const Pipeline & pipeline);
void checked_build();

}  // namespace emulated
