// From one fiber's stack to another's. Included by machine.cpp alone.
#pragma once

#include <cstring>

namespace emulated {

// Saves what the calling convention wants kept, puts the stack's address into *from, and goes on at `to`.
extern "C" void emulated_switch(void ** from, void * to);

#if defined(__x86_64__)
asm(R"(
.text
.globl emulated_switch
.hidden emulated_switch
.type emulated_switch,@function
emulated_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    retq
.size emulated_switch,.-emulated_switch
)");
constexpr unsigned saved_words = 6;
#elif defined(__aarch64__)
asm(R"(
.text
.globl emulated_switch
.hidden emulated_switch
.type emulated_switch,%function
emulated_switch:
    stp x29, x30, [sp, #-160]!
    stp x19, x20, [sp, #16]
    stp x21, x22, [sp, #32]
    stp x23, x24, [sp, #48]
    stp x25, x26, [sp, #64]
    stp x27, x28, [sp, #80]
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
    mov x9, sp
    str x9, [x0]
    mov sp, x1
    ldp x19, x20, [sp, #16]
    ldp x21, x22, [sp, #32]
    ldp x23, x24, [sp, #48]
    ldp x25, x26, [sp, #64]
    ldp x27, x28, [sp, #80]
    ldp d8, d9, [sp, #96]
    ldp d10, d11, [sp, #112]
    ldp d12, d13, [sp, #128]
    ldp d14, d15, [sp, #144]
    ldp x29, x30, [sp], #160
    ret
.size emulated_switch,.-emulated_switch
)");
#else
#error "a fiber switch for this processor is missing in native/metal/runtime/fiber_switch.h"
#endif

// The address from which a fresh stack begins with a function that never returns. top -- of the stack, aligned to 16
inline void * first_frame(unsigned char * top, void (*function)()) {
#if defined(__x86_64__)
    void ** words = reinterpret_cast<void **>(top) - 1;  // a return address of none keeps the alignment of a call
    *words-- = nullptr;
    *words   = reinterpret_cast<void *>(function);
    for (unsigned i = 0; i < saved_words; i++) {
        *--words = nullptr;
    }
#else
    void ** words = reinterpret_cast<void **>(top - 160);
    std::memset(words, 0, 160);
    words[1] = reinterpret_cast<void *>(function);
#endif
    return words;
}

}  // namespace emulated
