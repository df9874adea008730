// Functions that ask or choose. Metal's chapter "Relational Functions".
#pragma once

#include "constants.h"
#include "elementwise.h"

namespace metal {

// bool for a number, a vector of bool for a vector.
template <typename T>
struct truth {
    using type = bool;
};
template <typename T, int N>
struct truth<vec<T, N>> {
    using type = vec<bool, N>;
};
template <typename T>
using truth_t = typename truth<T>::type;

template <typename T, typename Predicate>
inline truth_t<T> each_truth(Predicate predicate, const T & a) {
    if constexpr (is_vector<T>) {
        truth_t<T> result;
        for (int i = 0; i < element_count<T>; ++i) {
            result[i] = predicate(static_cast<float>(a[i]));
        }
        return result;
    } else {
        return predicate(static_cast<float>(a));
    }
}

#define METAL_PREDICATE(name, formula)                                   \
    template <typename T, enable_if_t<of_floating<T>, int> = 0>           \
    inline truth_t<T> name(T a) {                                         \
        return each_truth([](float x) -> bool { return formula; }, a);    \
    }
METAL_PREDICATE(isnan, x != x)
METAL_PREDICATE(isinf, __builtin_fabsf(x) == INFINITY)
METAL_PREDICATE(isfinite, __builtin_fabsf(x) < INFINITY)
METAL_PREDICATE(signbit, __builtin_signbitf(x) != 0)
#undef METAL_PREDICATE

template <int N>
inline bool all(const vec<bool, N> & a) {
    return __builtin_reduce_and(unpack(a)) != 0;
}
template <int N>
inline bool any(const vec<bool, N> & a) {
    return __builtin_reduce_or(unpack(a)) != 0;
}
inline bool all(bool a) { return a; }
inline bool any(bool a) { return a; }

// The integer of some bytes: the compiler wants a mask as wide as what it chooses.
template <int Size>
using mask_t = conditional_t<Size == 1, signed char, conditional_t<Size == 2, short, conditional_t<Size == 4, int, long>>>;

// The second where the condition holds, else the first.
template <typename A, typename B, typename T = joined_t<A, B>>
inline T select(A otherwise, B chosen, bool condition) {
    return condition ? T(chosen) : T(otherwise);
}
template <typename T, int N>
inline vec<T, N> select(const vec<T, N> & otherwise, const vec<T, N> & chosen, const vec<bool, N> & condition) {
    const auto wide = __builtin_convertvector(unpack(condition), native_vector<mask_t<sizeof(T)>, N>);
    const auto a = bits_as<stored_vector<T, N>>(otherwise);
    const auto b = bits_as<stored_vector<T, N>>(chosen);
    return bits_as<vec<T, N>>(wide != 0 ? b : a);
}

}  // namespace metal
