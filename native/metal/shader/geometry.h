// Functions of vectors as a whole. Metal's chapter "Geometric Functions".
#pragma once

#include "math.h"

namespace metal {

// In the elements' own type and order, each step rounded.
template <typename T, int N, enable_if_t<is_floating<T>, int> = 0>
inline T dot(const vec<T, N> & a, const vec<T, N> & b) {
    const vec<T, N> products = a * b;
    T sum = products[0];
    for (int i = 1; i < N; ++i) {
        sum = sum + products[i];
    }
    return sum;
}

template <typename T, int N, enable_if_t<is_floating<T>, int> = 0>
inline T length_squared(const vec<T, N> & a) {
    return dot(a, a);
}
template <typename T, int N, enable_if_t<is_floating<T>, int> = 0>
inline T length(const vec<T, N> & a) {
    return sqrt(dot(a, a));
}
template <typename T, int N, enable_if_t<is_floating<T>, int> = 0>
inline T distance(const vec<T, N> & a, const vec<T, N> & b) {
    return length(a - b);
}
template <typename T, int N, enable_if_t<is_floating<T>, int> = 0>
inline vec<T, N> normalize(const vec<T, N> & a) {
    return a * rsqrt(dot(a, a));
}

template <typename T, enable_if_t<is_floating<T>, int> = 0>
inline vec<T, 3> cross(const vec<T, 3> & a, const vec<T, 3> & b) {
    return vec<T, 3>(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x);
}

}  // namespace metal
