// Conversions between element types, which keep values, and as_type, which keeps bits.
#pragma once

#include "operators.h"

namespace metal {

// A number becomes true when it is not zero, so NaN does as well.
template <typename T, int N>
template <typename U, enable_if_t<!is_same_v<T, U>, int>>
inline vec<T, N>::vec(const vec<U, N> & other) {
    if constexpr (is_same_v<T, bool>) {
        *this = other != vec<U, N>(0);
    } else {
        *this = pack<T, N>(__builtin_convertvector(unpack(other), working_vector<T, N>));
    }
}

template <typename To, typename From>
inline To as_type(From from) {
    return bits_as<To>(from);
}

}  // namespace metal
