#include "machine.h"

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <mutex>
#include <thread>

#include "checks.h"
#include "report.h"

namespace emulated {

namespace {

std::map<std::string, const Registration *> & registered_kernels() {
    static std::map<std::string, const Registration *> held;
    return held;
}

std::vector<const Constant *> & registered_constants() {
    static std::vector<const Constant *> held;
    return held;
}

// Memory that kernels declare for themselves has one place in a process, so that all threads of a group agree on it.
constexpr std::size_t    static_memory_size = 1 << 20;
// What the host asked for, with slack behind each memory.
constexpr std::size_t    threadgroup_room   = threadgroup_memory_size * 4;
std::atomic<std::size_t> reserved{ 0 };

// A guard page below each stack, and tops that do not all fall into the same lines of the cache.
constexpr std::size_t stack_size  = 256 * 1024;
constexpr std::size_t page        = 4096;
constexpr std::size_t above_stack = 8192 + 64;  // of a stack's size, room for the tops to differ

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
#error "a fiber switch for this processor is missing in native/metal/runtime/machine.cpp"
#endif

enum class State : unsigned char { waiting_to_start, ready, meeting, at_barrier, done };

// A loop or a call that a lane is in.
struct Inside {
    int      line;
    uint32_t turn;  // of a loop
};
constexpr unsigned most_inside = 16;

struct Fiber {
    void *       stack = nullptr;  // where it goes on
    State        state = State::waiting_to_start;
    Operation    operation;
    const char * file;
    int          line;
    Complete     complete;
    unsigned     depth = 0;
    Inside       inside[most_inside];  // the outermost first
};

// One SIMD-group while it runs: a bit for each lane.
struct Simd {
    uint32_t runnable;  // ready, or not yet started
    uint32_t meeting;   // wait for the values of others
    uint32_t waiting;   // at a barrier of the group
    uint32_t all;
    alignas(16) unsigned char values[lanes_of_simdgroup][value_size];
    Meeting met;
};

// One core: runs one group at a time.
struct Core {
    const Command *    command = nullptr;
    Position           group   = {};
    unsigned           threads = 0;
    unsigned           simds   = 0;
    unsigned           lane    = 0;  // of the running thread, in its SIMD-group
    unsigned           simd    = 0;
    unsigned           started = 0;  // place in the order of SIMD-groups
    unsigned           turn    = 0;
    void *             outside = nullptr;
    std::vector<Fiber> fibers  = std::vector<Fiber>(most_threads);
    std::vector<Simd>  groups  = std::vector<Simd>(most_threads / lanes_of_simdgroup);
    std::vector<unsigned char *> stacks, free_stacks;
    unsigned char *    running_stack = nullptr;
    std::vector<unsigned char *> stack_of = std::vector<unsigned char *>(most_threads);
    void *             buffers[most_buffers];
    unsigned char *    threadgroup[most_threadgroup_memory];
    unsigned char *    memory        = nullptr;  // threadgroup memory that the host asked for
    unsigned char *    static_memory = nullptr;
    Checks             checks;

    Fiber & fiber() { return fibers[simd * lanes_of_simdgroup + lane]; }
};

thread_local Core * core __attribute__((tls_model("initial-exec"))) = nullptr;

unsigned char * map(std::size_t size) {
    void * at = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) {
        fail("no memory for a fiber's stack or a group's memory");
    }
    return static_cast<unsigned char *>(at);
}

unsigned char * free_stack(Core & c) {
    if (c.free_stacks.empty()) {
        unsigned char * at = map(stack_size + page);
        mprotect(at, page, PROT_NONE);
        const std::size_t colour = (c.stacks.size() % 64) * 128;
        c.stacks.push_back(at);
        return at + page + stack_size - above_stack + colour;
    }
    unsigned char * top = c.free_stacks.back();
    c.free_stacks.pop_back();
    return top;
}

unsigned highest(uint32_t lanes) {
    return 31u - static_cast<unsigned>(__builtin_clz(lanes));
}

void complete(Core & c, Simd & s, uint32_t lanes) {
    Meeting & met = s.met;
    met.lanes     = lanes;
    std::memcpy(met.values, s.values, sizeof(met.values));
    const Fiber & one = c.fibers[c.simd * lanes_of_simdgroup + highest(lanes)];
    if (one.complete) {
        one.complete(met);
    }
    s.meeting &= ~lanes;
    s.runnable |= lanes;
    for (uint32_t left = lanes; left; left &= left - 1) {
        c.fibers[c.simd * lanes_of_simdgroup + static_cast<unsigned>(__builtin_ctz(left))].state = State::ready;
    }
    if (one.operation != Operation::step) {
        c.checks.met(c.simd);
    }
}

// Whether a lane is behind another one: in an earlier turn of the loop that both are in, or on an earlier line. Negative:
// it is; 0: they meet.
int compared(const Fiber & a, const Fiber & b) {
    for (unsigned depth = 0; depth < a.depth || depth < b.depth; depth++) {
        const int of_a = depth < a.depth ? a.inside[depth].line : a.line;
        const int of_b = depth < b.depth ? b.inside[depth].line : b.line;
        if (of_a != of_b) {
            return of_a < of_b ? -1 : 1;
        }
        if (depth >= a.depth || depth >= b.depth) {
            return depth < a.depth ? -1 : 1;
        }
        if (a.inside[depth].turn != b.inside[depth].turn) {
            return a.inside[depth].turn < b.inside[depth].turn ? -1 : 1;
        }
    }
    if (a.line != b.line) {
        return a.line < b.line ? -1 : 1;
    }
    if (a.operation != b.operation) {
        return a.operation < b.operation ? -1 : 1;
    }
    return a.file == b.file ? 0 : std::strcmp(a.file, b.file);
}

// Lanes that wait in different places: a branch that not all took. Those that are behind go first, as the others wait for
// them.
uint32_t first_to_meet(const Core & c, const Simd & s) {
    const Fiber * first = nullptr;
    uint32_t      lanes = 0;
    for (uint32_t left = s.meeting; left; left &= left - 1) {
        const unsigned lane  = static_cast<unsigned>(__builtin_ctz(left));
        const Fiber &  fiber = c.fibers[c.simd * lanes_of_simdgroup + lane];
        const int      is    = first ? compared(fiber, *first) : -1;
        if (is == 0) {
            lanes |= 1u << lane;
        } else if (is < 0) {
            first = &fiber;
            lanes = 1u << lane;
        }
    }
    return lanes;
}

unsigned simd_of_turn(const Core & c, unsigned turn) {
    switch (order()) {
        case Order::forward:
            return turn;
        case Order::reverse:
            return c.simds - 1 - turn;
        case Order::rotate:
            return (turn + c.simds / 2) % c.simds;
    }
    return turn;
}

// All threads are at a barrier or done: let them go on. Says whether there is anybody left.
bool release(Core & c) {
    bool         waits = false, done = false, different = false;
    const Fiber * one  = nullptr;
    for (unsigned index = 0; index < c.threads; index++) {
        const Fiber & fiber = c.fibers[index];
        if (fiber.state == State::done) {
            done = true;
            continue;
        }
        waits = true;
        if (!one) {
            one = &fiber;
        } else if (fiber.line != one->line || (fiber.file != one->file && std::strcmp(fiber.file, one->file) != 0)) {
            different = true;
        }
    }
    if (!waits) {
        return false;
    }
    if (done || different) {
        c.checks.divergent_barrier(*c.command, Site{ one->file, one->line }, c.group, done);
    }
    for (unsigned simd = 0; simd < c.simds; simd++) {
        Simd & s   = c.groups[simd];
        s.runnable = s.waiting;
        for (uint32_t left = s.waiting; left; left &= left - 1) {
            c.fibers[simd * lanes_of_simdgroup + static_cast<unsigned>(__builtin_ctz(left))].state = State::ready;
        }
        s.waiting = 0;
    }
    c.checks.barrier();
    return true;
}

// Choose who runs next: the next lower lane of the SIMD-group, round and round; then the next SIMD-group. Hardware runs
// lanes in step, and kernels rely on it: a lane that reads what a lower one then writes. So lane 0 comes last.
// Gives false where the group is finished.
bool choose(Core & c) {
    for (;;) {
        Simd & s = c.groups[c.simd];
        if (s.runnable) {
            const uint32_t lower = s.runnable & ((1u << c.lane) - 1);
            c.lane               = highest(lower ? lower : s.runnable);
            return true;
        }
        if (s.meeting) {
            complete(c, s, first_to_meet(c, s));
            c.lane = 0;  // so that the highest lane is the next
            continue;
        }
        while (++c.turn < c.simds && !c.groups[simd_of_turn(c, c.turn)].runnable) {
        }
        if (c.turn >= c.simds) {
            if (!release(c)) {
                return false;
            }
            c.turn = 0;
            while (c.turn < c.simds && !c.groups[simd_of_turn(c, c.turn)].runnable) {
                c.turn++;
            }
        }
        c.simd = simd_of_turn(c, c.turn);
        c.lane = 0;
    }
}

// Tell the shaders who runs now.
void tell(Core & c) {
    emulated_running = { c.lane, c.lane == highest(c.groups[c.simd].all) };
}

void run_thread(Core & c) {
    tell(c);
    const unsigned   index = c.simd * lanes_of_simdgroup + c.lane;
    const Position & t     = c.command->threads;
    Invocation       by;
    by.buffers     = c.buffers;
    by.threadgroup = c.threadgroup;
    by.group       = c.group;
    by.groups      = c.command->groups;
    by.thread      = { index % t.x, index / t.x % t.y, index / (t.x * t.y) };
    by.threads     = t;
    by.index       = index;
    by.lane        = c.lane;
    by.simdgroup   = c.simd;
    by.simdgroups  = c.simds;
    c.command->pipeline->kernel->run(by);
}

// The first frame of every stack: runs threads until one of them waits, and goes on with others when it ends.
[[noreturn]] void fiber_main() {
    for (;;) {
        Core & c   = *core;
        Simd & mine = c.groups[c.simd];
        c.fiber().state = State::ready;
        c.fiber().depth = 0;
        run_thread(c);
        c.fiber().state = State::done;
        mine.runnable &= ~(1u << c.lane);
        if (!choose(c)) {
            c.free_stacks.push_back(c.running_stack);
            void * ignored;
            emulated_switch(&ignored, c.outside);
        }
        Fiber & next = c.fiber();
        if (next.state == State::waiting_to_start) {
            c.stack_of[c.simd * lanes_of_simdgroup + c.lane] = c.running_stack;
            continue;
        }
        c.free_stacks.push_back(c.running_stack);
        c.running_stack = c.stack_of[c.simd * lanes_of_simdgroup + c.lane];
        void * ignored;
        emulated_switch(&ignored, next.stack);
    }
}

void * fresh(Core & c) {
    unsigned char * top = free_stack(c);
    c.running_stack     = top;
    c.stack_of[c.simd * lanes_of_simdgroup + c.lane] = top;
#if defined(__x86_64__)
    void ** words = reinterpret_cast<void **>(top) - 1;  // a return address of none keeps the alignment of a call
    *words-- = nullptr;
    *words   = reinterpret_cast<void *>(&fiber_main);
    for (unsigned i = 0; i < saved_words; i++) {
        *--words = nullptr;
    }
    return words;
#else
    void ** words = reinterpret_cast<void **>(top - 160);
    std::memset(words, 0, 160);
    words[1] = reinterpret_cast<void *>(&fiber_main);
    return words;
#endif
}

// The running thread waits; another one goes on.
void wait(Core & c) {
    Fiber & mine = c.fiber();
    choose(c);  // one that waits is always left, so the group is not finished
    Fiber & next = c.fiber();
    if (&next == &mine) {
        return;
    }
    if (next.state == State::waiting_to_start) {
        emulated_switch(&mine.stack, fresh(c));
    } else {
        c.running_stack = c.stack_of[c.simd * lanes_of_simdgroup + c.lane];
        emulated_switch(&mine.stack, next.stack);
    }
    tell(c);
}

void run_group(Core & c, const Command & command, Position group) {
    c.group = group;
    for (unsigned index = 0; index < c.threads; index++) {
        c.fibers[index].state = State::waiting_to_start;
    }
    for (unsigned simd = 0; simd < c.simds; simd++) {
        const unsigned lanes = c.threads - simd * lanes_of_simdgroup;
        Simd &         s     = c.groups[simd];
        s.all                = lanes >= lanes_of_simdgroup ? ~0u : (1u << lanes) - 1;
        s.runnable           = s.all;
        s.meeting = s.waiting = 0;
    }
    c.turn = 0;
    c.simd = simd_of_turn(c, 0);
    c.lane = highest(c.groups[c.simd].all);
    c.checks.begin_group(command, group);
    emulated_switch(&c.outside, fresh(c));
    c.checks.end_group(command);
}

void prepare(Core & c, const Command & command) {
    if (!c.memory) {
        c.memory        = map(threadgroup_room);
        c.static_memory = map(static_memory_size);
    }
    core      = &c;
    c.command = &command;
    c.threads = command.threads.x * command.threads.y * command.threads.z;
    c.simds   = (c.threads + lanes_of_simdgroup - 1) / lanes_of_simdgroup;
    for (unsigned index = 0; index < most_buffers; index++) {
        const bool by_value = !command.bytes[index].empty();
        c.buffers[index]    = by_value ? const_cast<unsigned char *>(command.bytes[index].data()) : command.buffers[index].at;
    }
    // room behind each: what a kernel writes past its memory must not fall on another's
    unsigned char * at = c.memory;
    for (unsigned index = 0; index < most_threadgroup_memory; index++) {
        c.threadgroup[index] = at;
        at += command.threadgroup[index] ? (command.threadgroup[index] + 15) / 16 * 16 + threadgroup_slack : 0;
    }
    if (at > c.memory + threadgroup_room) {
        fail("%s: more threadgroup memory than a group has", command.pipeline->name.c_str());
    }
    c.checks.begin_command(command, c.threadgroup, c.static_memory, reserved.load());
}

std::size_t number_of(const Command & command) {
    return std::size_t(command.groups.x) * command.groups.y * command.groups.z;
}

// Groups in the order that was asked for.
Position group_at(const Command & command, std::size_t number) {
    const std::size_t count = number_of(command);
    if (order() == Order::reverse) {
        number = count - 1 - number;
    }
    if (order() == Order::rotate) {
        number = (number + count / 2) % count;
    }
    const std::size_t x = command.groups.x, y = command.groups.y;
    return { uint32_t(number % x), uint32_t(number / x % y), uint32_t(number / (x * y)) };
}

// The cores of this machine. They sleep between commands.
class Cores {
  public:
    Cores() {
        const char *   asked = std::getenv("FORKKEEPER_METAL_THREADS");
        const unsigned here  = std::thread::hardware_concurrency();
        const int      count = asked ? std::atoi(asked) : static_cast<int>(here ? here : 1);
        cores_.resize(static_cast<std::size_t>(count < 1 ? 1 : count));
        for (Core *& each : cores_) {
            each = new Core;
        }
        for (std::size_t index = 1; index < cores_.size(); index++) {
            std::thread([this, index] { serve(*cores_[index]); }).detach();
        }
    }

    void run(const Command & command) {
        const std::size_t count = number_of(command);
        next_.store(0);
        if (count < 2 || cores_.size() < 2) {
            work(*cores_[0], command);
            return;
        }
        {
            const std::lock_guard<std::mutex> held(mutex_);
            command_ = &command;
            busy_    = cores_.size() - 1;
            round_++;
        }
        begin_.notify_all();
        work(*cores_[0], command);
        std::unique_lock<std::mutex> held(mutex_);
        finished_.wait(held, [this] { return busy_ == 0; });
    }

  private:
    void serve(Core & c) {
        unsigned seen = 0;
        for (;;) {
            const Command * command;
            {
                std::unique_lock<std::mutex> held(mutex_);
                begin_.wait(held, [this, seen] { return round_ != seen; });
                seen    = round_;
                command = command_;
            }
            work(c, *command);
            const std::lock_guard<std::mutex> held(mutex_);
            if (--busy_ == 0) {
                finished_.notify_one();
            }
        }
    }

    void work(Core & c, const Command & command) {
        prepare(c, command);
        const std::size_t count = number_of(command);
        for (std::size_t number = next_++; number < count; number = next_++) {
            run_group(c, command, group_at(command, number));
        }
        c.checks.end_command();
    }

    std::vector<Core *>      cores_;
    std::mutex               mutex_;
    std::condition_variable  begin_, finished_;
    const Command *          command_ = nullptr;
    std::size_t              busy_    = 0;
    unsigned                 round_   = 0;
    std::atomic<std::size_t> next_{ 0 };
};

}  // namespace

extern "C" {

void emulated_threadgroup_barrier(const char * file, int line) {
    Core &         c   = *core;
    Simd &         s   = c.groups[c.simd];
    const uint32_t bit = 1u << c.lane;
    Fiber &        f   = c.fiber();
    f.state            = State::at_barrier;
    f.file             = file;
    f.line             = line;
    s.runnable &= ~bit;
    s.waiting |= bit;
    wait(c);
}

const Meeting * emulated_meet(const void * value, unsigned size, Operation operation, Complete complete_with, const char * file,
                              int line) {
    Core &         c   = *core;
    Simd &         s   = c.groups[c.simd];
    const uint32_t bit = 1u << c.lane;
    Fiber &        f   = c.fiber();
    f.state            = State::meeting;
    f.operation        = operation;
    f.file             = file;
    f.line             = line;
    f.complete         = complete_with;
    if (size) {
        std::memcpy(s.values[c.lane], value, size);
    }
    s.runnable &= ~bit;
    s.meeting |= bit;
    wait(c);
    return &s.met;
}

thread_local Running emulated_running;

void emulated_enter(int line) {
    Fiber & f = core->fiber();
    if (f.depth == most_inside) {
        fail("%s: more loops and calls in one another than native/metal/runtime/machine.cpp has room for",
             core->command->pipeline->name.c_str());
    }
    f.inside[f.depth++] = { line, 0 };
}

void emulated_turn() {
    Fiber & f = core->fiber();
    f.inside[f.depth - 1].turn++;
}

void emulated_leave() {
    core->fiber().depth--;
}

size_t emulated_reserve(size_t size, size_t alignment) {
    size_t before = reserved.load();
    for (;;) {
        const size_t at = (before + alignment - 1) / alignment * alignment;
        if (at + size + threadgroup_slack > static_memory_size) {
            fail("kernels declare more threadgroup memory than native/metal/runtime/machine.cpp has room for");
        }
        if (reserved.compare_exchange_weak(before, at + size + threadgroup_slack)) {
            return at;
        }
    }
}

unsigned char * emulated_static_memory() {
    return core->static_memory;
}

void emulated_register_kernel(const Registration * kernel) {
    if (!registered_kernels().emplace(kernel->name, kernel).second) {
        fail("two kernels of the same name: %s", kernel->name);
    }
}

void emulated_register_constant(const Constant * constant) {
    registered_constants().push_back(constant);
}

}  // extern "C"

const std::map<std::string, const Registration *> & kernels() {
    return registered_kernels();
}

std::vector<const Constant *> constants_of(const Registration & kernel) {
    std::vector<const Constant *> found;
    for (const void * const * at = kernel.constants; *at; at++) {
        for (const Constant * each : registered_constants()) {
            if (each->at == *at) {
                found.push_back(each);
            }
        }
    }
    return found;
}

Order order() {
    static const Order asked = [] {
        const char *      value = std::getenv("FORKKEEPER_METAL_ORDER");
        const std::string text  = value ? value : "forward";
        if (text == "reverse") {
            return Order::reverse;
        }
        if (text == "rotate") {
            return Order::rotate;
        }
        if (text != "forward") {
            fail("FORKKEEPER_METAL_ORDER is \"%s\": forward, reverse or rotate", value);
        }
        return Order::forward;
    }();
    return asked;
}

void run(const Command & command) {
    static std::mutex                 one_at_a_time;
    const std::lock_guard<std::mutex> held(one_at_a_time);
    static Cores &                    cores = *new Cores;
    const std::uint64_t threads = std::uint64_t(command.threads.x) * command.threads.y * command.threads.z;
    if (number_of(command) == 0 || threads == 0) {
        return;
    }
    if (threads > most_threads) {
        fail("%s: %llu threads in a group, of at most %u", command.pipeline->name.c_str(), static_cast<unsigned long long>(threads),
             most_threads);
    }
    for (const auto & [constant, value] : command.pipeline->constants) {
        std::memcpy(constant->at, &value, constant->size);
    }
    cores.run(command);
    dispatched(*command.pipeline);
}

#ifdef CHECKED
bool is_of_library(const void * address) {
    static const auto range = [] {
        std::pair<std::uintptr_t, std::uintptr_t> found{ 0, 0 };
        dl_iterate_phdr(
            [](dl_phdr_info * info, size_t, void * into) {
                std::uintptr_t low = ~std::uintptr_t(0), high = 0;
                for (int index = 0; index < info->dlpi_phnum; index++) {
                    if (info->dlpi_phdr[index].p_type == PT_LOAD) {
                        const std::uintptr_t from = info->dlpi_addr + info->dlpi_phdr[index].p_vaddr;
                        low                       = from < low ? from : low;
                        high                      = from + info->dlpi_phdr[index].p_memsz > high ? from + info->dlpi_phdr[index].p_memsz : high;
                    }
                }
                const auto here = reinterpret_cast<std::uintptr_t>(&is_of_library);
                if (here < low || here >= high) {
                    return 0;
                }
                *static_cast<std::pair<std::uintptr_t, std::uintptr_t> *>(into) = { low, high };
                return 1;
            },
            &found);
        return found;
    }();
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    return at >= range.first && at < range.second;
}

// What clang calls where kernels are compiled with every access announced: it is its thread sanitizer's interface.
namespace {
inline void announced(const void * address, std::size_t size, bool write, const void * at) {
    Core *     c       = core;
    const auto within = [address](const void * from, std::size_t of) {
        return address >= from && address < static_cast<const char *>(from) + of;
    };
    if (!c || !c->command || within(c->running_stack - (stack_size - above_stack), stack_size - above_stack)) {
        return;  // the thread's own: its stack and no byte more, as memory of the group may lie right beside it
    }
    if (within(c, sizeof(Core)) || within(c->groups.data(), c->groups.size() * sizeof(Simd)) ||
        within(&emulated_running, sizeof(Running))) {
        return;  // the machine's own: positions, and what lanes hand to each other
    }
    c->checks.access(address, size, write, at, c->simd * lanes_of_simdgroup + c->lane);
}
}  // namespace
#endif

}  // namespace emulated

#ifdef CHECKED
extern "C" {
#define EMULATED_ACCESS(size)                                                                                            \
    void __tsan_read##size(void * at) { emulated::announced(at, size, false, __builtin_return_address(0)); }              \
    void __tsan_write##size(void * at) { emulated::announced(at, size, true, __builtin_return_address(0)); }              \
    void __tsan_unaligned_read##size(void * at) { emulated::announced(at, size, false, __builtin_return_address(0)); }    \
    void __tsan_unaligned_write##size(void * at) { emulated::announced(at, size, true, __builtin_return_address(0)); }    \
    void __tsan_read_write##size(void * at) {                                                                            \
        emulated::announced(at, size, false, __builtin_return_address(0));                                               \
        emulated::announced(at, size, true, __builtin_return_address(0));                                                \
    }                                                                                                                    \
    void __tsan_unaligned_read_write##size(void * at) {                                                                  \
        emulated::announced(at, size, false, __builtin_return_address(0));                                               \
        emulated::announced(at, size, true, __builtin_return_address(0));                                                \
    }
EMULATED_ACCESS(1)
EMULATED_ACCESS(2)
EMULATED_ACCESS(4)
EMULATED_ACCESS(8)
EMULATED_ACCESS(16)
void __tsan_init() { emulated::checked_build(); }
void __tsan_func_entry(void *) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void **, void *) {}
void __tsan_vptr_read(void **) {}
void * __tsan_memcpy(void * to, const void * from, std::size_t size) {
    emulated::announced(from, size, false, __builtin_return_address(0));
    emulated::announced(to, size, true, __builtin_return_address(0));
    return std::memcpy(to, from, size);
}
void * __tsan_memmove(void * to, const void * from, std::size_t size) {
    emulated::announced(from, size, false, __builtin_return_address(0));
    emulated::announced(to, size, true, __builtin_return_address(0));
    return std::memmove(to, from, size);
}
void * __tsan_memset(void * to, int value, std::size_t size) {
    emulated::announced(to, size, true, __builtin_return_address(0));
    return std::memset(to, value, size);
}
}
#endif
