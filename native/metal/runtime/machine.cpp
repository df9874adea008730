// Decides which thread of a group runs next.
#include "machine.h"

#include <sys/mman.h>

#include <cstring>

#include "core.h"
#include "fiber_switch.h"
#include "report.h"

namespace emulated {

thread_local Core * core __attribute__((tls_model("initial-exec"))) = nullptr;

namespace {

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
        const std::size_t colour = (c.stacks++ % 64) * 128;
        return at + page + stack_size - above_stack + colour;
    }
    unsigned char * top = c.free_stacks.back();
    c.free_stacks.pop_back();
    return top;
}

unsigned highest(uint32_t lanes) {
    return 31u - static_cast<unsigned>(__builtin_clz(lanes));
}

bool same(Site a, Site b) {
    return a.line == b.line && (a.file == b.file || std::strcmp(a.file, b.file) == 0);
}

// Whether a lane is behind another one: in an earlier turn of the loop that both are in, or on an earlier line. Negative:
// it is; 0: they meet.
int compared(const Fiber & a, const Fiber & b) {
    for (unsigned depth = 0; depth < a.path.depth || depth < b.path.depth; depth++) {
        const int of_a = depth < a.path.depth ? a.path.inside[depth].line : a.site.line;
        const int of_b = depth < b.path.depth ? b.path.inside[depth].line : b.site.line;
        if (of_a != of_b) {
            return of_a < of_b ? -1 : 1;
        }
        if (depth >= a.path.depth || depth >= b.path.depth) {
            return depth < a.path.depth ? -1 : 1;
        }
        if (a.path.inside[depth].turn != b.path.inside[depth].turn) {
            return a.path.inside[depth].turn < b.path.inside[depth].turn ? -1 : 1;
        }
    }
    if (a.site.line != b.site.line) {
        return a.site.line < b.site.line ? -1 : 1;
    }
    if (a.operation != b.operation) {
        return a.operation < b.operation ? -1 : 1;
    }
    return a.site.file == b.site.file ? 0 : std::strcmp(a.site.file, b.site.file);
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

// No lane can go on: let those meet that wait for each other.
void meet(Core & c, Simd & s) {
    const uint32_t lanes = s.together ? s.meeting : first_to_meet(c, s);
    const Fiber &  one   = c.fibers[c.simd * lanes_of_simdgroup + highest(lanes)];
    s.met.lanes          = lanes;
    if (one.operation != Operation::barrier && one.operation != Operation::step) {
        std::memcpy(s.met.values, s.values, sizeof(s.values));
        if (one.complete) {
            one.complete(s.met);
        }
    }
    s.meeting &= ~lanes;
    s.runnable |= lanes;
    if (one.operation != Operation::step) {
        c.checks.met(c.simd);
    }
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
    if (!c.barrier.file) {
        return false;
    }
    bool done = false;
    for (unsigned simd = 0; simd < c.simds; simd++) {
        Simd & s = c.groups[simd];
        done |= s.done() != 0;
        s.runnable = s.waiting;
        s.waiting  = 0;
    }
    if (done || c.apart) {
        c.checks.divergent_barrier(*c.command, c.barrier, c.group, done);
    }
    c.barrier.file = nullptr;
    c.apart        = false;
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
            meet(c, s);
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

bool is_started(const Core & c) {
    return !(c.groups[c.simd].unstarted >> c.lane & 1);
}

// Tell the shaders who runs now.
void tell(Core & c) {
    emulated_running = { c.lane, c.lane == c.groups[c.simd].leader, &c.fiber().path };
}

void run_thread(Core & c) {
    tell(c);
    const unsigned   index = c.thread();
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
    unsigned char * const top = core->fiber().top;
    for (;;) {
        Core &         c   = *core;
        Simd &         s   = c.groups[c.simd];
        const uint32_t bit = 1u << c.lane;
        c.fiber().top        = top;
        c.fiber().path.depth = 0;
        s.unstarted &= ~bit;
        run_thread(c);
        s.runnable &= ~bit;
        const bool more = choose(c);
        if (more && !is_started(c)) {
            continue;
        }
        c.free_stacks.push_back(top);
        void * ignored;
        emulated_switch(&ignored, more ? c.fiber().stack : c.outside);
    }
}

void * fresh(Core & c) {
    c.fiber().top = free_stack(c);
    return first_frame(c.fiber().top, &fiber_main);
}

// The running thread waits; another one goes on.
void wait(Core & c) {
    Fiber & mine = c.fiber();
    choose(c);  // one that waits is always left, so the group is not finished
    Fiber & next = c.fiber();
    if (&next != &mine) {
        emulated_switch(&mine.stack, is_started(c) ? next.stack : fresh(c));
        tell(c);
    }
}

}  // namespace

void run_group(Core & c, Position group) {
    c.group        = group;
    c.barrier.file = nullptr;
    c.apart        = false;
    for (unsigned simd = 0; simd < c.simds; simd++) {
        const unsigned lanes = c.threads - simd * lanes_of_simdgroup;
        Simd &         s     = c.groups[simd];
        s.all                = lanes >= lanes_of_simdgroup ? ~0u : (1u << lanes) - 1;
        s.runnable = s.unstarted = s.all;
        s.meeting = s.waiting = 0;
        s.leader              = highest(s.all);
    }
    c.turn = 0;
    c.simd = simd_of_turn(c, 0);
    c.lane = c.groups[c.simd].leader;
    c.checks.begin_group(group);
    emulated_switch(&c.outside, fresh(c));
    c.checks.end_group();
}

void prepare(Core & c, const Command & command) {
    if (!c.memory) {
        c.memory        = map(asked_memory_size);
        c.declared = map(declared_memory_size);
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
    if (at > c.memory + asked_memory_size) {
        fail("%s: more threadgroup memory than a group has", command.pipeline->name.c_str());
    }
    c.checks.begin_command(command, c.threadgroup, c.declared);
}

extern "C" {

thread_local Running emulated_running;

unsigned char * emulated_declared_memory() {
    return core->declared;
}

void emulated_threadgroup_barrier(const char * file, int line) {
    Core &         c   = *core;
    Simd &         s   = c.groups[c.simd];
    const uint32_t bit = 1u << c.lane;
    const Site     site = { file, line };
    if (!c.barrier.file) {
        c.barrier = site;
    } else if (!same(site, c.barrier)) {
        c.apart = true;
    }
    s.runnable &= ~bit;
    s.waiting |= bit;
    wait(c);
}

void emulated_too_deep() {
    fail("%s: more loops and calls in one another than native/metal/shader/invocation.h has room for",
         core->command->pipeline->name.c_str());
}

const Meeting * emulated_meet(const void * value, unsigned size, Operation operation, Complete complete, const char * file,
                              int line) {
    Core &         c   = *core;
    Simd &         s   = c.groups[c.simd];
    const uint32_t bit = 1u << c.lane;
    Fiber &        f   = c.fiber();
    f.operation        = operation;
    f.site             = { file, line };
    f.complete         = complete;
    if (size) {
        std::memcpy(s.values[c.lane], value, size);
    }
    if (!s.meeting) {
        s.first    = c.lane;
        s.together = true;
    } else {
        s.together = s.together && compared(f, c.fibers[c.simd * lanes_of_simdgroup + s.first]) == 0;
    }
    s.runnable &= ~bit;
    s.meeting |= bit;
    wait(c);
    return &s.met;
}

}  // extern "C"

}  // namespace emulated
