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
    bool result = true;
    for (int i = 0; i < N; ++i) {
        result = result && a[i];
    }
    return result;
}
template <int N>
inline bool any(const vec<bool, N> & a) {
    bool result = false;
    for (int i = 0; i < N; ++i) {
        result = result || a[i];
    }
    return result;
}
inline bool all(bool a) { return a; }
inline bool any(bool a) { return a; }

// The second where the condition holds, else the first.
template <typename A, typename B, typename T = joined_t<A, B>>
inline T select(A otherwise, B chosen, bool condition) {
    return condition ? T(chosen) : T(otherwise);
}
template <typename T, int N>
inline vec<T, N> select(const vec<T, N> & otherwise, const vec<T, N> & chosen, const vec<bool, N> & condition) {
    vec<T, N> result;
    for (int i = 0; i < N; ++i) {
        result[i] = condition[i] ? chosen[i] : otherwise[i];
    }
    return result;
}

}  // namespace metal
