// What a kernel and the machine that runs it know of each other. runtime/ includes this without Metal's library.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace emulated {

// As Metal counts: x first.
struct Position {
    uint32_t x, y, z;
};

// What one thread of a kernel is told.
struct Invocation {
    void * const *          buffers;      // by index
    unsigned char * const * threadgroup;  // memory that the host asked for, by index
    Position group, groups, thread, threads;
    uint32_t index, lane, simdgroup, simdgroups;
};

// A line of upstream's source.
struct Site {
    const char * file;
    int          line;
};

enum class Operation : unsigned char { barrier, sum, product, maximum, minimum, prefix, shuffle, vote, step };

constexpr unsigned lanes_of_simdgroup = 32;
constexpr unsigned value_size         = 16;  // bytes that a lane can hand to the others at once

// Lanes that meet: which, and the value that each brought.
struct Meeting {
    uint32_t lanes;
    alignas(16) unsigned char values[lanes_of_simdgroup][value_size];
    alignas(16) unsigned char result[value_size];
};

using Complete = void (*)(Meeting &);

// The loops and calls that a thread is in, the outermost first: told by the source step where lanes meet in them.
struct Path {
    struct Inside {
        int      line;
        uint32_t turn;  // of a loop
    };
    static constexpr unsigned most = 16;
    unsigned depth = 0;
    Inside   inside[most];
};

// runtime/
extern "C" {
void            emulated_threadgroup_barrier(const char * file, int line);
const Meeting * emulated_meet(const void * value, unsigned size, Operation operation, Complete complete, const char * file,
                              int line);
[[noreturn]] void emulated_too_deep();
size_t          emulated_reserve(size_t size, size_t alignment);
unsigned char * emulated_declared_memory();
void            emulated_register_kernel(const struct Registration *);
void            emulated_register_constant(const struct Constant *);
}

// The thread that runs on this core: its lane, whether it does what a SIMD-group does as one, and where it is.
struct Running {
    unsigned lane;
    bool     leads;
    Path *   path;
};
extern "C" thread_local Running emulated_running __attribute__((tls_model("initial-exec")));

inline bool leads() {
    return emulated_running.leads;
}

// Memory that a kernel declares for its threadgroup has one place in a process, found as the library is loaded, so that
// all threads of a group agree on it. PLACE is a type of its own for each declaration.
template <typename T, typename PLACE> struct Declared {
    static const size_t at;
};
template <typename T, typename PLACE>
const size_t Declared<T, PLACE>::at = emulated_reserve(sizeof(T), alignof(T) < 16 ? 16 : alignof(T));

template <typename T, typename PLACE> inline T & threadgroup_variable() {
    return *reinterpret_cast<T *>(emulated_declared_memory() + Declared<T, PLACE>::at);
}

// What is handed to a kernel's parameter.
template <int INDEX> struct Buffer {
    static void * of(const Invocation & by) { return by.buffers[INDEX]; }
};
template <int INDEX> struct Threadgroup {
    static void * of(const Invocation & by) { return by.threadgroup[INDEX]; }
};
struct ThreadInGroup {
    static Position of(const Invocation & by) { return by.thread; }
};
struct ThreadInGrid {
    static Position of(const Invocation & by) {
        return { by.group.x * by.threads.x + by.thread.x, by.group.y * by.threads.y + by.thread.y,
                 by.group.z * by.threads.z + by.thread.z };
    }
};
struct Group {
    static Position of(const Invocation & by) { return by.group; }
};
struct Groups {
    static Position of(const Invocation & by) { return by.groups; }
};
struct Threads {
    static Position of(const Invocation & by) { return by.threads; }
};
struct IndexInGroup {
    static uint32_t of(const Invocation & by) { return by.index; }
};
struct Lane {
    static uint32_t of(const Invocation & by) { return by.lane; }
};
struct Simdgroup {
    static uint32_t of(const Invocation & by) { return by.simdgroup; }
};
struct Simdgroups {
    static uint32_t of(const Invocation & by) { return by.simdgroups; }
};
struct LanesOfSimdgroup {
    static uint32_t of(const Invocation &) { return lanes_of_simdgroup; }
};

// A number that the host sets before a kernel is made of a function.
struct Constant {
    const char * name;
    int          index;
    void *       at;
    unsigned     size;
    explicit Constant(const char * name_, int index_, void * at_, unsigned size_)
        : name(name_), index(index_), at(at_), size(size_) {
        emulated_register_constant(this);
    }
};

struct Registration {
    const char *         name;
    const char *         file;
    int                  line;
    void (*run)(const Invocation &);
    const void * const * constants;  // the variables of those that it can reach; a null pointer ends them
    explicit Registration(const char * name_, const char * file_, int line_, void (*run_)(const Invocation &),
                          const void * const * constants_)
        : name(name_), file(file_), line(line_), run(run_), constants(constants_) {
        emulated_register_kernel(this);
    }
};

}  // namespace emulated
