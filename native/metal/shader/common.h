// Functions of all numbers: least, greatest and between. Metal's chapters "Common Functions" and "Integer Functions".
#pragma once

#include "elementwise.h"

namespace metal {

// A NaN beside a number gives the number. Not the compiler's own function: of two halves it makes a call.
template <typename A, typename B, typename T = joined_t<A, B>>
inline T max(A a, B b) {
    return at_once<T>([](auto x, auto y) { return ((x < y) | (x != x)) ? y : x; }, T(a), T(b));
}
template <typename A, typename B, typename T = joined_t<A, B>>
inline T min(A a, B b) {
    return at_once<T>([](auto x, auto y) { return ((x > y) | (x != x)) ? y : x; }, T(a), T(b));
}

template <typename A, typename B, typename C, typename T = joined3_t<A, B, C>>
inline T max3(A a, B b, C c) {
    return max(T(a), max(T(b), T(c)));
}
template <typename A, typename B, typename C, typename T = joined3_t<A, B, C>>
inline T min3(A a, B b, C c) {
    return min(T(a), min(T(b), T(c)));
}
template <typename A, typename B, typename C, typename T = joined3_t<A, B, C>>
inline T median3(A a, B b, C c) {
    return max(min(T(a), T(b)), min(max(T(a), T(b)), T(c)));
}
template <typename A, typename B, typename C, typename T = joined3_t<A, B, C>>
inline T clamp(A x, B low, C high) {
    return min(max(T(x), T(low)), T(high));
}

// Of the least integer there is no positive one: it stays, without a trap of the sanitizer's or a fault.
template <typename T, enable_if_t<of_floating<T> || of_integer<T>, int> = 0>
inline T abs(T a) {
    if constexpr (of_floating<T>) {
        return at_once<T>([](auto x) { return __builtin_elementwise_abs(x); }, a);
    } else {
        return each<T>([](auto x) { return x < 0 ? 0 - static_cast<ulong>(x) : static_cast<ulong>(x); }, a);
    }
}

template <typename T, enable_if_t<of_floating<T>, int> = 0>
inline T saturate(T x) {
    return clamp(x, T(0.0f), T(1.0f));
}

template <typename A, typename B, typename C, typename T = joined3_t<A, B, C>, enable_if_t<of_floating<T>, int> = 0>
inline T mix(A x, B y, C part) {
    return T(x) + (T(y) - T(x)) * T(part);
}

// Zero keeps its sign, NaN gives zero.
template <typename T, enable_if_t<of_floating<T>, int> = 0>
inline T sign(T a) {
    return each<T>([](float x) { return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x == x ? x : 0.0f; }, a);
}

template <typename A, typename B, typename T = joined_t<A, B>, enable_if_t<of_floating<T>, int> = 0>
inline T step(A edge, B x) {
    return each<T>([](float e, float v) { return v < e ? 0.0f : 1.0f; }, T(edge), T(x));
}

template <typename A, typename B, typename C, typename T = joined3_t<A, B, C>, enable_if_t<of_floating<T>, int> = 0>
inline T smoothstep(A low, B high, C x) {
    const T t = clamp((T(x) - T(low)) / (T(high) - T(low)), T(0.0f), T(1.0f));
    return t * t * (T(3.0f) - T(2.0f) * t);
}

}  // namespace metal
