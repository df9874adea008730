// How a function of numbers becomes one of vectors, and which type results from arguments of several types.
#pragma once

#include "conversions.h"

namespace metal {

template <typename T>
struct element {
    using type = T;
};
template <typename T, int N>
struct element<vec<T, N>> {
    using type = T;
};
template <typename T>
using element_t = typename element<T>::type;

// Arguments of one type give that type, also a type narrower than int. Different numbers are joined as by an
// operator, a vector and a scalar become a vector. Two vectors of different types have no joined type.
template <typename A, typename B, typename = void>
struct joined {};
template <typename T>
struct joined<T, T> {
    using type = T;
};
template <typename A, typename B>
struct joined<A, B, enable_if_t<is_scalar<A> && is_scalar<B> && !is_same_v<A, B>>> {
    using type = decltype(A() + B());
};
template <typename T, int N, typename S>
struct joined<vec<T, N>, S, enable_if_t<is_operand<T, S>>> {
    using type = vec<T, N>;
};
template <typename T, int N, typename S>
struct joined<S, vec<T, N>, enable_if_t<is_operand<T, S>>> {
    using type = vec<T, N>;
};
template <typename A, typename B>
using joined_t = typename joined<A, B>::type;
template <typename A, typename B, typename C>
using joined3_t = joined_t<joined_t<A, B>, C>;

template <typename T>
constexpr bool of_floating = is_floating<element_t<T>>;
template <typename T>
constexpr bool of_integer = is_integer<element_t<T>>;

// The type in which a function computes: the compiler's functions know float, so the small types go through it.
template <typename T>
using computed_t = conditional_t<is_floating<T>, float, T>;

// Calls `function` with the compiler's vectors, or with numbers: for what it has instructions for.
template <int N, typename T>
inline auto widened(const vec<T, N> & v) {
    return __builtin_convertvector(unpack(v), native_vector<computed_t<T>, N>);
}
template <int N, typename T>
inline computed_t<T> widened(T scalar) {
    return static_cast<computed_t<T>>(scalar);
}

template <typename T, typename Function, typename... Arguments>
inline T at_once(Function function, const Arguments &... arguments) {
    if constexpr (is_vector<T>) {
        using E = element_t<T>;
        constexpr int N = element_count<T>;
        return pack<E, N>(__builtin_convertvector(function(widened<N>(arguments)...), working_vector<E, N>));
    } else {
        return static_cast<T>(function(widened<1>(arguments)...));
    }
}

template <typename T>
inline T element_at(T scalar, int) {
    return scalar;
}
template <typename T, int N>
inline T element_at(const vec<T, N> & v, int i) {
    return v[i];
}

// Calls `function` with the arguments' numbers, for one element after the other.
template <typename T, typename Function, typename... Arguments>
inline T each(Function function, const Arguments &... arguments) {
    using E = element_t<T>;
    if constexpr (is_vector<T>) {
        T result;
        for (int i = 0; i < element_count<T>; ++i) {
            result[i] = static_cast<E>(function(static_cast<computed_t<E>>(element_at(arguments, i))...));
        }
        return result;
    } else {
        return static_cast<T>(function(static_cast<computed_t<T>>(arguments)...));
    }
}

}  // namespace metal
