// Mathematical functions, of float, half, bfloat and their vectors. Metal's chapter "Math Functions".
//
// All three forms, the plain, precise:: and fast::, are the C library's, in float; half and bfloat round its result.
// What an Apple GPU computes in its place differs in the last places: see docs on what the emulation cannot show.
#pragma once

#include "common.h"
#include "relational.h"

namespace metal {

// A namespace of its own, so that precise:: and fast:: hold the functions and not all of metal.
inline namespace functions {

#define METAL_FUNCTION_1(name, formula)                                          \
    template <typename T, enable_if_t<of_floating<T>, int> = 0>                   \
    inline T name(T a) {                                                          \
        return each<T>([](float x) -> float { return formula; }, a);              \
    }

#define METAL_FUNCTION_2(name, formula)                                                                      \
    template <typename A, typename B, typename T = joined_t<A, B>, enable_if_t<of_floating<T>, int> = 0>      \
    inline T name(A a, B b) {                                                                                 \
        return each<T>([](float x, float y) -> float { return formula; }, T(a), T(b));                        \
    }

#define METAL_INSTRUCTION(name, builtin)                                             \
    template <typename T, enable_if_t<of_floating<T>, int> = 0>                       \
    inline T name(T a) {                                                              \
        return at_once<T>([](auto x) { return __builtin_elementwise_##builtin(x); }, a); \
    }

// Rounding. round() takes halves away from zero, rint() to even.
METAL_INSTRUCTION(ceil, ceil)
METAL_INSTRUCTION(floor, floor)
METAL_INSTRUCTION(trunc, trunc)
METAL_INSTRUCTION(round, round)
METAL_INSTRUCTION(rint, roundeven)

METAL_INSTRUCTION(fabs, abs)
METAL_INSTRUCTION(sqrt, sqrt)
METAL_FUNCTION_1(rsqrt, 1.0f / __builtin_sqrtf(x))

METAL_FUNCTION_1(exp, __builtin_expf(x))
METAL_FUNCTION_1(exp2, __builtin_exp2f(x))
METAL_FUNCTION_1(exp10, __builtin_exp10f(x))
METAL_FUNCTION_1(log, __builtin_logf(x))
METAL_FUNCTION_1(log2, __builtin_log2f(x))
METAL_FUNCTION_1(log10, __builtin_log10f(x))

METAL_FUNCTION_1(sin, __builtin_sinf(x))
METAL_FUNCTION_1(cos, __builtin_cosf(x))
METAL_FUNCTION_1(tan, __builtin_tanf(x))
METAL_FUNCTION_1(asin, __builtin_asinf(x))
METAL_FUNCTION_1(acos, __builtin_acosf(x))
METAL_FUNCTION_1(atan, __builtin_atanf(x))
METAL_FUNCTION_1(sinh, __builtin_sinhf(x))
METAL_FUNCTION_1(cosh, __builtin_coshf(x))
METAL_FUNCTION_1(tanh, __builtin_tanhf(x))
METAL_FUNCTION_1(asinh, __builtin_asinhf(x))
METAL_FUNCTION_1(acosh, __builtin_acoshf(x))
METAL_FUNCTION_1(atanh, __builtin_atanhf(x))

METAL_FUNCTION_2(atan2, __builtin_atan2f(x, y))
METAL_FUNCTION_2(copysign, __builtin_copysignf(x, y))
METAL_FUNCTION_2(fdim, __builtin_fdimf(x, y))
METAL_FUNCTION_2(fmod, __builtin_fmodf(x, y))
METAL_FUNCTION_2(pow, __builtin_powf(x, y))
METAL_FUNCTION_2(powr, __builtin_powf(x, y))

#undef METAL_INSTRUCTION
#undef METAL_FUNCTION_1
#undef METAL_FUNCTION_2

template <typename A, typename B, typename T = joined_t<A, B>, enable_if_t<of_floating<T>, int> = 0>
inline T fmax(A a, B b) {
    return max(a, b);
}
template <typename A, typename B, typename T = joined_t<A, B>, enable_if_t<of_floating<T>, int> = 0>
inline T fmin(A a, B b) {
    return min(a, b);
}

// Rounded once. The small types go through double: their product is exact there, in float the sum would round twice.
template <typename A, typename B, typename C, typename T = joined3_t<A, B, C>, enable_if_t<of_floating<T>, int> = 0>
inline T fma(A a, B b, C c) {
    if constexpr (is_same_v<element_t<T>, float>) {
        return each<T>([](float x, float y, float z) { return __builtin_fmaf(x, y, z); }, T(a), T(b), T(c));
    } else {
        return each<T>([](double x, double y, double z) { return narrowed_to_odd(x * y + z); }, T(a), T(b), T(c));
    }
}

// Rounded twice.
template <typename A, typename B, typename C, typename T = joined3_t<A, B, C>, enable_if_t<of_floating<T>, int> = 0>
inline T mad(A a, B b, C c) {
    return T(a) * T(b) + T(c);
}

// Always below one: the greatest number of the type below it stands for what would round up to one.
template <typename T, enable_if_t<of_floating<T>, int> = 0>
inline T fract(T a) {
    using E = element_t<T>;
    constexpr float below_one = is_same_v<E, float> ? 0x1.fffffep-1f : is_same_v<E, half> ? 0x1.ffcp-1f : 0x1.fep-1f;
    return each<T>([=](float x) { return min(x - __builtin_floorf(x), below_one); }, a);
}

template <typename T, enable_if_t<of_floating<T>, int> = 0>
inline T ldexp(T x, int exponent) {
    return each<T>([=](float v) { return __builtin_ldexpf(v, exponent); }, x);
}

template <typename T, enable_if_t<of_floating<T>, int> = 0>
inline T sincos(T x, T & cosine) {
    cosine = cos(x);
    return sin(x);
}

}  // namespace functions

namespace precise {
using namespace functions;
}
namespace fast {
using namespace functions;
}

}  // namespace metal
