// vec<T, N>: two to four elements of one scalar type.
//
// Size as in Metal (three elements take the room of four). Alignment is that of an element: kernels read vectors
// through pointers that are no further aligned. No swizzles: upstream uses single members only.
#pragma once

#include <initializer_list>

#include "native_vectors.h"

namespace metal {

template <typename T, int N>
struct elements;

template <typename T>
struct elements<T, 2> {
    T x, y;
};
template <typename T>
struct elements<T, 3> {
    T x, y, z;

private:
    T padding;
};
template <typename T>
struct elements<T, 4> {
    T x, y, z, w;
};

template <typename T, int N>
struct vec;

template <typename T>
constexpr int element_count = is_scalar<T> ? 1 : 0;
template <typename T, int N>
constexpr int element_count<vec<T, N>> = N;

template <typename T, int N>
struct vec : elements<T, N> {
    using element_type = T;

    vec() = default;

    // A scalar goes to all elements, and does so by itself where a vector is wanted.
    template <typename S, enable_if_t<is_scalar<S>, int> = 0>
    vec(S scalar) {
        using Stored = typename stored<T>::type;
        const stored_vector<T, N> all = bits_as<Stored>(static_cast<T>(scalar));
        __builtin_memcpy(this, &all, sizeof *this);
    }

    // Scalars and shorter vectors in a row, together N elements.
    template <typename A, typename B, typename... Rest,
              enable_if_t<((element_count<A> + element_count<B>) + ... + element_count<Rest>) == N, int> = 0>
    vec(A a, B b, Rest... rest) {
        T * place = &(*this)[0];
        place = put(place, a);
        place = put(place, b);
        ((place = put(place, rest)), ...);
    }

    // In braces the elements not given are zero: {1} is no splat.
    vec(std::initializer_list<T> list) {
        const T * given = list.begin();
        const int count = static_cast<int>(list.size());
        for (int i = 0; i < N; ++i) {
            (*this)[i] = i < count ? given[i] : T(0);
        }
    }

    // Between element types only where it is written out.
    template <typename U, enable_if_t<!is_same_v<T, U>, int> = 0>
    explicit vec(const vec<U, N> & other);

    T & operator[](long index) { return reinterpret_cast<T *>(this)[index]; }
    const T & operator[](long index) const { return reinterpret_cast<const T *>(this)[index]; }

private:
    template <typename S>
    static T * put(T * place, S scalar) {
        *place = static_cast<T>(scalar);
        return place + 1;
    }
    template <int M>
    static T * put(T * place, const vec<T, M> & part) {
        for (int i = 0; i < M; ++i) {
            place[i] = part[i];
        }
        return place + M;
    }
};

template <typename T>
constexpr bool is_vector = false;
template <typename T, int N>
constexpr bool is_vector<vec<T, N>> = true;

}  // namespace metal

// The names, as those of scalars, are known everywhere.
#define METAL_VECTORS(type)               \
    using type##2 = metal::vec<type, 2>;  \
    using type##3 = metal::vec<type, 3>;  \
    using type##4 = metal::vec<type, 4>;  \
    namespace metal {                     \
    using ::type##2;                      \
    using ::type##3;                      \
    using ::type##4;                      \
    }
METAL_VECTORS(bool)
METAL_VECTORS(char)
METAL_VECTORS(uchar)
METAL_VECTORS(short)
METAL_VECTORS(ushort)
METAL_VECTORS(int)
METAL_VECTORS(uint)
METAL_VECTORS(long)
METAL_VECTORS(ulong)
METAL_VECTORS(half)
METAL_VECTORS(bfloat)
METAL_VECTORS(float)
#undef METAL_VECTORS

namespace metal {

static_assert(sizeof(float4) == 16 && sizeof(float3) == 16 && sizeof(half4) == 8 && alignof(float4) == 4);

// Packed vectors differ in alignment alone, which ours has at the element already. Those of three elements differ in
// size: they are left out until a shader uses one.
using packed_char2 = char2;
using packed_char4 = char4;
using packed_uchar2 = uchar2;
using packed_uchar4 = uchar4;
using packed_short2 = short2;
using packed_short4 = short4;
using packed_ushort2 = ushort2;
using packed_ushort4 = ushort4;
using packed_int2 = int2;
using packed_int4 = int4;
using packed_uint2 = uint2;
using packed_uint4 = uint4;
using packed_half2 = half2;
using packed_half4 = half4;
using packed_bfloat2 = bfloat2;
using packed_bfloat4 = bfloat4;
using packed_float2 = float2;
using packed_float4 = float4;

}  // namespace metal
