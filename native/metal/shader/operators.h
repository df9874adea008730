// Operators of vectors: element by element, with a vector of the same type or a scalar, which goes to all elements.
#pragma once

#include "division.h"
#include "vectors.h"

namespace metal {

// Into the compiler's vector and back. The memory of both is the same, but for bfloat.
template <typename T, int N>
inline working_vector<T, N> unpack(const vec<T, N> & v) {
    if constexpr (is_same_v<T, bfloat>) {
        return float_lanes<N>(bits_as<stored_vector<T, N>>(v));
    } else {
        return bits_as<working_vector<T, N>>(v);
    }
}

template <typename T, int N>
inline vec<T, N> pack(working_vector<T, N> values) {
    if constexpr (is_same_v<T, bfloat>) {
        return bits_as<vec<T, N>>(bfloat_lanes<N>(values));
    } else {
        return bits_as<vec<T, N>>(values);
    }
}

// A comparison of the compiler's vectors gives 0 or -1 in the width of its operands.
template <int N, typename Mask>
inline vec<bool, N> pack_bool(Mask mask) {
    return bits_as<vec<bool, N>>(__builtin_convertvector(mask, native_vector<uchar, N>) & 1);
}

// An integer vector takes integers only, as in Metal.
template <typename T, typename S>
constexpr bool is_operand = is_scalar<S> && (is_floating<T> || !is_floating<S>);

#define METAL_SCALAR_FORMS(op, result)                                                                       \
    template <typename T, int N, typename S, enable_if_t<is_operand<T, S>, int> = 0>                          \
    inline result operator op(const vec<T, N> & a, S b) {                                                     \
        return a op vec<T, N>(b);                                                                             \
    }                                                                                                         \
    template <typename T, int N, typename S, enable_if_t<is_operand<T, S>, int> = 0>                          \
    inline result operator op(S a, const vec<T, N> & b) {                                                     \
        return vec<T, N>(a) op b;                                                                             \
    }

#define METAL_ASSIGNMENT(op)                                                                                 \
    template <typename T, int N>                                                                              \
    inline vec<T, N> & operator op##=(vec<T, N> & a, const vec<T, N> & b) {                                   \
        return a = a op b;                                                                                    \
    }                                                                                                         \
    template <typename T, int N, typename S, enable_if_t<is_operand<T, S>, int> = 0>                          \
    inline vec<T, N> & operator op##=(vec<T, N> & a, S b) {                                                   \
        return a = a op vec<T, N>(b);                                                                         \
    }

#define METAL_ARITHMETIC(op)                                                                                 \
    template <typename T, int N>                                                                              \
    inline vec<T, N> operator op(const vec<T, N> & a, const vec<T, N> & b) {                                  \
        return pack<T, N>(unpack(a) op unpack(b));                                                            \
    }                                                                                                         \
    METAL_SCALAR_FORMS(op, METAL_SAME)                                                                        \
    METAL_ASSIGNMENT(op)

#define METAL_COMPARISON(op)                                                                                 \
    template <typename T, int N>                                                                              \
    inline vec<bool, N> operator op(const vec<T, N> & a, const vec<T, N> & b) {                               \
        return pack_bool<N>(unpack(a) op unpack(b));                                                          \
    }                                                                                                         \
    METAL_SCALAR_FORMS(op, METAL_TRUTH)

#define METAL_SAME vec<T, N>
#define METAL_TRUTH vec<bool, N>

METAL_ARITHMETIC(+)
METAL_ARITHMETIC(-)
METAL_ARITHMETIC(*)
METAL_ARITHMETIC(&)
METAL_ARITHMETIC(|)
METAL_ARITHMETIC(^)
METAL_ARITHMETIC(<<)
METAL_ARITHMETIC(>>)

METAL_COMPARISON(==)
METAL_COMPARISON(!=)
METAL_COMPARISON(<)
METAL_COMPARISON(>)
METAL_COMPARISON(<=)
METAL_COMPARISON(>=)

// Integers are divided one by one: the processor has no other way, and each divisor may be zero.
template <typename T, int N>
inline vec<T, N> operator/(const vec<T, N> & a, const vec<T, N> & b) {
    if constexpr (is_floating<T>) {
        return pack<T, N>(unpack(a) / unpack(b));
    } else {
        vec<T, N> result;
        for (int i = 0; i < N; ++i) {
            result[i] = static_cast<T>(quotient(a[i], b[i]));
        }
        return result;
    }
}
METAL_SCALAR_FORMS(/, METAL_SAME)
METAL_ASSIGNMENT(/)

template <typename T, int N>
inline vec<T, N> operator%(const vec<T, N> & a, const vec<T, N> & b) {
    vec<T, N> result;
    for (int i = 0; i < N; ++i) {
        result[i] = static_cast<T>(remainder(a[i], b[i]));
    }
    return result;
}
METAL_SCALAR_FORMS(%, METAL_SAME)
METAL_ASSIGNMENT(%)

template <typename T, int N>
inline vec<T, N> operator-(const vec<T, N> & a) {
    return pack<T, N>(-unpack(a));
}
template <typename T, int N>
inline vec<T, N> operator+(const vec<T, N> & a) {
    return a;
}
template <typename T, int N>
inline vec<T, N> operator~(const vec<T, N> & a) {
    return pack<T, N>(~unpack(a));
}
template <int N>
inline vec<bool, N> operator!(const vec<bool, N> & a) {
    return pack<bool, N>(unpack(a) ^ 1);
}
template <int N>
inline vec<bool, N> operator&&(const vec<bool, N> & a, const vec<bool, N> & b) {
    return a & b;
}
template <int N>
inline vec<bool, N> operator||(const vec<bool, N> & a, const vec<bool, N> & b) {
    return a | b;
}

#undef METAL_ARITHMETIC
#undef METAL_COMPARISON
#undef METAL_ASSIGNMENT
#undef METAL_SCALAR_FORMS
#undef METAL_SAME
#undef METAL_TRUTH

}  // namespace metal
