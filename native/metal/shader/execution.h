// How a kernel meets the machine that runs it: positions, barriers, SIMD-groups, threadgroup memory, atomics, matrices.
//
// A kernel's thread is a fiber. It runs until it must wait for others: at a barrier, or where lanes of a SIMD-group
// exchange values. runtime/machine.cpp decides who runs next.
#pragma once

#include "invocation.h"
#include "metal.h"

namespace emulated {

// A parameter takes what it is declared as: a pointer or reference to memory, one number, two or three.
template <typename P> struct Taken {
    static P from(uint32_t number) { return static_cast<P>(number); }
    static P from(Position at) { return static_cast<P>(at.x); }
};
template <typename T> struct Taken<T *> {
    static T * from(void * memory) { return static_cast<T *>(memory); }
};
template <typename T> struct Taken<T &> {
    static T & from(void * memory) { return *static_cast<T *>(memory); }
};
template <typename T> struct Taken<metal::vec<T, 2>> {
    static metal::vec<T, 2> from(Position at) { return metal::vec<T, 2>(static_cast<T>(at.x), static_cast<T>(at.y)); }
};
template <typename T> struct Taken<metal::vec<T, 3>> {
    static metal::vec<T, 3> from(Position at) {
        return metal::vec<T, 3>(static_cast<T>(at.x), static_cast<T>(at.y), static_cast<T>(at.z));
    }
};

template <auto KERNEL, typename... PARAMETERS> struct Call;
template <typename... P, void (*KERNEL)(P...), typename... PARAMETERS> struct Call<KERNEL, PARAMETERS...> {
    static void run(const Invocation & by) { KERNEL(Taken<P>::from(PARAMETERS::of(by))...); }
};

}  // namespace emulated

#define EMULATED_JOIN_(a, b) a##b
#define EMULATED_JOIN(a, b)  EMULATED_JOIN_(a, b)
#define EMULATED_CONSTANT(name, index)                                                                                   \
    static const emulated::Constant EMULATED_JOIN(emulated_constant_, name)(#name, index, &name, sizeof(name));
#define EMULATED_KERNEL(number, name, file, line, call, ...)                                                             \
    static const void * const           EMULATED_JOIN(emulated_needs_, number)[] = { __VA_ARGS__ nullptr };               \
    static const emulated::Registration EMULATED_JOIN(emulated_kernel_, number)(name, file, line, EMULATED_STRIP call::run, \
                                                                                EMULATED_JOIN(emulated_needs_, number));
#define EMULATED_STRIP(...) __VA_ARGS__

#define EMULATED_HERE  const char *file = __builtin_FILE(), int line = __builtin_LINE()
#define EMULATED_THERE file, line

namespace emulated {

// Where hardware would have all lanes at one instruction: written by the source step around what one lane does alone.
inline void in_step(EMULATED_HERE) {
    emulated_meet(nullptr, 0, Operation::step, nullptr, EMULATED_THERE);
}

// A loop in which lanes meet, or a call of a function in which they do: written by the source step, so that the machine
// knows which of two lanes is behind the other.
struct Within {
    explicit Within(int line) {
        Path & path = *emulated_running.path;
        if (path.depth == Path::most) {
            emulated_too_deep();
        }
        path.inside[path.depth++] = { line, 0 };
    }
    ~Within() { emulated_running.path->depth--; }
    void turn() {
        Path & path = *emulated_running.path;
        path.inside[path.depth - 1].turn++;
    }
    Within(const Within &)             = delete;
    Within & operator=(const Within &) = delete;
};

}  // namespace emulated

namespace metal {

enum class mem_flags : unsigned { mem_none = 0, mem_device = 1, mem_threadgroup = 2, mem_texture = 4 };
constexpr mem_flags operator|(mem_flags a, mem_flags b) {
    return static_cast<mem_flags>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
enum memory_order { memory_order_relaxed };

inline void threadgroup_barrier(mem_flags, EMULATED_HERE) {
    emulated::emulated_threadgroup_barrier(EMULATED_THERE);
}
inline void simdgroup_barrier(mem_flags, EMULATED_HERE) {
    emulated::emulated_meet(nullptr, 0, emulated::Operation::barrier, nullptr, EMULATED_THERE);
}

// Values of a SIMD-group

namespace lanes {

template <typename T> inline T value(const emulated::Meeting & meeting, unsigned lane) {
    T found;
    __builtin_memcpy(&found, meeting.values[lane], sizeof(T));
    return found;
}

// Pairs first, then pairs of pairs: the order in which lanes of hardware add, and the smaller error.
template <typename T, typename FUNCTION> inline T folded(const emulated::Meeting & meeting, FUNCTION function) {
    T        held[emulated::lanes_of_simdgroup];
    unsigned count = 0;
    for (unsigned lane = 0; lane < emulated::lanes_of_simdgroup; lane++) {
        if (meeting.lanes >> lane & 1) {
            held[count++] = value<T>(meeting, lane);
        }
    }
    while (count > 1) {
        unsigned half = 0;
        for (unsigned i = 0; i < count; i += 2) {
            held[half++] = i + 1 < count ? T(function(held[i], held[i + 1])) : held[i];
        }
        count = half;
    }
    return held[0];
}

template <typename T, typename FUNCTION> inline void fold(emulated::Meeting & meeting) {
    const T result = folded<T>(meeting, FUNCTION());
    __builtin_memcpy(meeting.result, &result, sizeof(T));
}

template <typename T, typename FUNCTION>
inline T reduced(T value, emulated::Operation operation, const char * file, int line) {
    static_assert(sizeof(T) <= emulated::value_size, "a value of more bytes than lanes can exchange");
    const emulated::Meeting * met = emulated::emulated_meet(&value, sizeof(T), operation, &fold<T, FUNCTION>, file, line);
    T                         result;
    __builtin_memcpy(&result, met->result, sizeof(T));
    return result;
}

template <typename T> inline const emulated::Meeting & met(T value, emulated::Operation operation, const char * file, int line) {
    static_assert(sizeof(T) <= emulated::value_size, "a value of more bytes than lanes can exchange");
    return *emulated::emulated_meet(&value, sizeof(T), operation, nullptr, file, line);
}

// Of a lane that is not there, or not active, hardware gives anything: here the lane's own value.
template <typename T> inline T of(const emulated::Meeting & meeting, unsigned lane, T own) {
    return lane < emulated::lanes_of_simdgroup && (meeting.lanes >> lane & 1) ? value<T>(meeting, lane) : own;
}

struct Sum {
    template <typename T> T operator()(T a, T b) const { return T(a + b); }
};
struct Product {
    template <typename T> T operator()(T a, T b) const { return T(a * b); }
};
struct Maximum {
    template <typename T> T operator()(T a, T b) const { return max(a, b); }
};
struct Minimum {
    template <typename T> T operator()(T a, T b) const { return min(a, b); }
};

}  // namespace lanes

template <typename T> inline T simd_sum(T value, EMULATED_HERE) {
    return lanes::reduced<T, lanes::Sum>(value, emulated::Operation::sum, EMULATED_THERE);
}
template <typename T> inline T simd_product(T value, EMULATED_HERE) {
    return lanes::reduced<T, lanes::Product>(value, emulated::Operation::product, EMULATED_THERE);
}
template <typename T> inline T simd_max(T value, EMULATED_HERE) {
    return lanes::reduced<T, lanes::Maximum>(value, emulated::Operation::maximum, EMULATED_THERE);
}
template <typename T> inline T simd_min(T value, EMULATED_HERE) {
    return lanes::reduced<T, lanes::Minimum>(value, emulated::Operation::minimum, EMULATED_THERE);
}
inline bool simd_all(bool value, EMULATED_HERE) {
    return lanes::reduced<unsigned, lanes::Minimum>(value, emulated::Operation::vote, EMULATED_THERE) != 0;
}
inline bool simd_any(bool value, EMULATED_HERE) {
    return lanes::reduced<unsigned, lanes::Maximum>(value, emulated::Operation::vote, EMULATED_THERE) != 0;
}
template <typename T> inline T simd_prefix_inclusive_sum(T value, EMULATED_HERE) {
    const emulated::Meeting & met  = lanes::met(value, emulated::Operation::prefix, EMULATED_THERE);
    const unsigned            lane = emulated::emulated_running.lane;
    T                         sum  = T(0);
    for (unsigned other = 0; other <= lane; other++) {
        sum = met.lanes >> other & 1 ? T(sum + lanes::value<T>(met, other)) : sum;
    }
    return sum;
}
template <typename T> inline T simd_prefix_exclusive_sum(T value, EMULATED_HERE) {
    const emulated::Meeting & met  = lanes::met(value, emulated::Operation::prefix, EMULATED_THERE);
    const unsigned            lane = emulated::emulated_running.lane;
    T                         sum  = T(0);
    for (unsigned other = 0; other < lane; other++) {
        sum = met.lanes >> other & 1 ? T(sum + lanes::value<T>(met, other)) : sum;
    }
    return sum;
}
template <typename T> inline T simd_shuffle(T value, ushort lane, EMULATED_HERE) {
    return lanes::of(lanes::met(value, emulated::Operation::shuffle, EMULATED_THERE), lane, value);
}
template <typename T> inline T simd_broadcast(T value, ushort lane, EMULATED_HERE) {
    return lanes::of(lanes::met(value, emulated::Operation::shuffle, EMULATED_THERE), lane, value);
}
template <typename T> inline T simd_broadcast_first(T value, EMULATED_HERE) {
    const emulated::Meeting & met = lanes::met(value, emulated::Operation::shuffle, EMULATED_THERE);
    return lanes::of(met, static_cast<unsigned>(__builtin_ctz(met.lanes)), value);
}
template <typename T> inline T simd_shuffle_xor(T value, ushort mask, EMULATED_HERE) {
    return lanes::of(lanes::met(value, emulated::Operation::shuffle, EMULATED_THERE), emulated::emulated_running.lane ^ mask, value);
}
template <typename T> inline T simd_shuffle_down(T value, ushort delta, EMULATED_HERE) {
    return lanes::of(lanes::met(value, emulated::Operation::shuffle, EMULATED_THERE), emulated::emulated_running.lane + delta, value);
}
template <typename T> inline T simd_shuffle_up(T value, ushort delta, EMULATED_HERE) {
    // below lane 0 the subtraction wraps to a lane that is not there
    return lanes::of(lanes::met(value, emulated::Operation::shuffle, EMULATED_THERE), emulated::emulated_running.lane - delta, value);
}

// Atomics: groups run on several threads of this machine.

template <typename T> struct atomic {
    T held;
};
using atomic_int  = atomic<int>;
using atomic_uint = atomic<uint>;
using atomic_bool = atomic<bool>;

template <typename T> inline T atomic_load_explicit(const atomic<T> * at, memory_order) {
    return __atomic_load_n(&at->held, __ATOMIC_RELAXED);
}
template <typename T, typename V> inline void atomic_store_explicit(atomic<T> * at, V value, memory_order) {
    __atomic_store_n(&at->held, static_cast<T>(value), __ATOMIC_RELAXED);
}
template <typename T, typename V> inline T atomic_exchange_explicit(atomic<T> * at, V value, memory_order) {
    return __atomic_exchange_n(&at->held, static_cast<T>(value), __ATOMIC_RELAXED);
}
template <typename T, typename V> inline T atomic_fetch_add_explicit(atomic<T> * at, V value, memory_order) {
    return __atomic_fetch_add(&at->held, static_cast<T>(value), __ATOMIC_RELAXED);
}
template <typename T, typename V> inline T atomic_fetch_sub_explicit(atomic<T> * at, V value, memory_order) {
    return __atomic_fetch_sub(&at->held, static_cast<T>(value), __ATOMIC_RELAXED);
}
template <typename T, typename V> inline T atomic_fetch_or_explicit(atomic<T> * at, V value, memory_order) {
    return __atomic_fetch_or(&at->held, static_cast<T>(value), __ATOMIC_RELAXED);
}
template <typename T, typename V> inline T atomic_fetch_and_explicit(atomic<T> * at, V value, memory_order) {
    return __atomic_fetch_and(&at->held, static_cast<T>(value), __ATOMIC_RELAXED);
}
template <typename T, typename V> inline T atomic_fetch_max_explicit(atomic<T> * at, V value, memory_order) {
    return __atomic_fetch_max(&at->held, static_cast<T>(value), __ATOMIC_RELAXED);
}
template <typename T, typename V> inline T atomic_fetch_min_explicit(atomic<T> * at, V value, memory_order) {
    return __atomic_fetch_min(&at->held, static_cast<T>(value), __ATOMIC_RELAXED);
}

}  // namespace metal

#include "simdgroup_matrices.h"
