// The compiler's own vectors, in which the operators of metal::vec do their work.
//
// They are not the vectors themselves: a cast between two of one size copies bits, where Metal converts values,
// and they want to be aligned as a whole.
#pragma once

#include "scalars.h"

namespace metal {

// What an element is in memory, for the compiler: a bool is a byte of 0 or 1, a bfloat two bytes.
template <typename T>
struct stored {
    using type = T;
};
template <>
struct stored<bool> {
    using type = uchar;
};
template <>
struct stored<bfloat> {
    using type = uint16_t;
};

// What an operator computes with: a bfloat becomes a float first.
template <typename T>
struct working {
    using type = T;
};
template <>
struct working<bool> {
    using type = uchar;
};
template <>
struct working<bfloat> {
    using type = float;
};

template <typename T, int N>
using native_vector = T __attribute__((ext_vector_type(N)));
template <typename T, int N>
using stored_vector = native_vector<typename stored<T>::type, N>;
template <typename T, int N>
using working_vector = native_vector<typename working<T>::type, N>;

// Rounds like bfloat_bits, all elements at once.
template <int N>
inline native_vector<uint16_t, N> bfloat_lanes(native_vector<float, N> values) {
    const auto bits = bits_as<native_vector<uint, N>>(values);
    const native_vector<uint, N> rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    const native_vector<uint, N> quiet = (bits >> 16) | 0x40;
    const auto ordered = bits_as<native_vector<uint, N>>(values == values);
    return __builtin_convertvector((rounded & ordered) | (quiet & ~ordered), native_vector<uint16_t, N>);
}

template <int N>
inline native_vector<float, N> float_lanes(native_vector<uint16_t, N> bits) {
    return bits_as<native_vector<float, N>>(__builtin_convertvector(bits, native_vector<uint, N>) << 16);
}

}  // namespace metal
