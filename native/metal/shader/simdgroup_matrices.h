// Matrices of a SIMD-group. On hardware each lane holds two elements; here the lane that leads holds all 64 and does the
// work, and the copies of the others are never looked at.
#pragma once

#include "invocation.h"
#include "metal.h"

namespace metal {

// Eight elements that are computed at once.
using matrix_line = native_vector<float, 8>;

template <typename T> inline matrix_line line_of(const T * from) {
    stored_vector<T, 8> held;
    __builtin_memcpy(&held, from, sizeof held);
    if constexpr (is_same_v<T, bfloat>) {
        return float_lanes<8>(held);
    } else {
        return __builtin_convertvector(held, matrix_line);
    }
}

template <typename T> inline void put_line(matrix_line line, T * to) {
    using stored_line = stored_vector<T, 8>;
    stored_line held;
    if constexpr (is_same_v<T, bfloat>) {
        held = bfloat_lanes<8>(line);
    } else {
        held = __builtin_convertvector(line, stored_line);
    }
    __builtin_memcpy(to, &held, sizeof held);
}

template <typename T, int COLUMNS, int ROWS> struct simdgroup_matrix {
    static_assert(COLUMNS == 8 && ROWS == 8, "matrices of a SIMD-group have 8 x 8 elements");
    T element[8][8];

    simdgroup_matrix() = default;
    explicit simdgroup_matrix(T diagonal) {
        for (int row = 0; row < 8; row++) {
            for (int column = 0; column < 8; column++) {
                element[row][column] = row == column ? diagonal : T(0);
            }
        }
    }
};

using simdgroup_half8x8   = simdgroup_matrix<half, 8, 8>;
using simdgroup_bfloat8x8 = simdgroup_matrix<bfloat, 8, 8>;
using simdgroup_float8x8  = simdgroup_matrix<float, 8, 8>;

template <typename T, int COLUMNS, int ROWS = COLUMNS>
inline simdgroup_matrix<T, COLUMNS, ROWS> make_filled_simdgroup_matrix(T value) {
    simdgroup_matrix<T, COLUMNS, ROWS> made;
    if (emulated::leads()) {
        for (auto & row : made.element) {
            for (T & element : row) {
                element = value;
            }
        }
    }
    return made;
}

// A type that the pointer has, and the matrix as well: `half` for either.
template <typename T> struct matrix_element {
    using type = T;
};

template <typename T>
inline void simdgroup_load(simdgroup_matrix<T, 8, 8> & to, const typename matrix_element<T>::type * from, ulong row_length = 8,
                           ulong2 origin = ulong2(0), bool transpose = false) {
    if (!emulated::leads()) {
        return;
    }
    from += origin.x + origin.y * row_length;
    for (ulong row = 0; row < 8; row++) {
        for (ulong column = 0; column < 8; column++) {
            (transpose ? to.element[column][row] : to.element[row][column]) = from[row * row_length + column];
        }
    }
}

template <typename T>
inline void simdgroup_store(const simdgroup_matrix<T, 8, 8> & from, typename matrix_element<T>::type * to, ulong row_length = 8,
                            ulong2 origin = ulong2(0), bool transpose = false) {
    if (!emulated::leads()) {
        return;
    }
    to += origin.x + origin.y * row_length;
    for (ulong row = 0; row < 8; row++) {
        for (ulong column = 0; column < 8; column++) {
            to[row * row_length + column] = transpose ? from.element[column][row] : from.element[row][column];
        }
    }
}

// result = a b + c. Products are added up in float, whatever the elements are, and rounded once.
template <typename R, typename A, typename B, typename C>
inline void simdgroup_multiply_accumulate(simdgroup_matrix<R, 8, 8> & result, const simdgroup_matrix<A, 8, 8> & a,
                                          const simdgroup_matrix<B, 8, 8> & b, const simdgroup_matrix<C, 8, 8> & c) {
    if (!emulated::leads()) {
        return;
    }
    matrix_line right[8];
    for (int row = 0; row < 8; row++) {
        right[row] = line_of(b.element[row]);
    }
    for (int row = 0; row < 8; row++) {
        const matrix_line left = line_of(a.element[row]);
        matrix_line       sum  = line_of(c.element[row]);
        for (int inner = 0; inner < 8; inner++) {
            sum += left[inner] * right[inner];
        }
        put_line(sum, result.element[row]);
    }
}

template <typename R, typename A, typename B>
inline void simdgroup_multiply(simdgroup_matrix<R, 8, 8> & result, const simdgroup_matrix<A, 8, 8> & a,
                               const simdgroup_matrix<B, 8, 8> & b) {
    simdgroup_multiply_accumulate(result, a, b, make_filled_simdgroup_matrix<float, 8>(0.0f));
}

}  // namespace metal
