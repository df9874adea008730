// matrix<T, C, R>: C columns, each a vector of R elements. One index gives a column.
#pragma once

#include "conversions.h"

namespace metal {

template <typename T, int C, int R>
struct matrix {
    using column_type = vec<T, R>;

    matrix() = default;

    // One scalar goes to the diagonal, all else is zero.
    template <typename S, enable_if_t<is_scalar<S>, int> = 0>
    explicit matrix(S scalar) {
        for (int c = 0; c < C; ++c) {
            columns[c] = column_type(0);
            if (c < R) {
                columns[c][c] = static_cast<T>(scalar);
            }
        }
    }

    template <typename... Columns, enable_if_t<sizeof...(Columns) == C && (is_same_v<Columns, column_type> && ...), int> = 0>
    matrix(Columns... given) : columns{given...} {}

    template <typename... Scalars, enable_if_t<sizeof...(Scalars) == C * R && (is_scalar<Scalars> && ...), int> = 0>
    matrix(Scalars... given) {
        const T values[] = {static_cast<T>(given)...};
        for (int i = 0; i < C * R; ++i) {
            columns[i / R][i % R] = values[i];
        }
    }

    template <typename U, enable_if_t<!is_same_v<T, U>, int> = 0>
    explicit matrix(const matrix<U, C, R> & other) {
        for (int c = 0; c < C; ++c) {
            columns[c] = column_type(other[c]);
        }
    }

    column_type & operator[](long index) { return columns[index]; }
    const column_type & operator[](long index) const { return columns[index]; }

private:
    column_type columns[C];
};

}  // namespace metal

#define METAL_MATRIX(type, shape, C, R)             \
    using type##shape = metal::matrix<type, C, R>;  \
    namespace metal {                               \
    using ::type##shape;                            \
    }
#define METAL_MATRICES(type)         \
    METAL_MATRIX(type, 2x2, 2, 2) \
    METAL_MATRIX(type, 2x3, 2, 3) \
    METAL_MATRIX(type, 2x4, 2, 4) \
    METAL_MATRIX(type, 3x2, 3, 2) \
    METAL_MATRIX(type, 3x3, 3, 3) \
    METAL_MATRIX(type, 3x4, 3, 4) \
    METAL_MATRIX(type, 4x2, 4, 2) \
    METAL_MATRIX(type, 4x3, 4, 3) \
    METAL_MATRIX(type, 4x4, 4, 4)
METAL_MATRICES(float)
METAL_MATRICES(half)
// Metal names no matrices of bfloat: upstream does so itself.
#undef METAL_MATRICES
#undef METAL_MATRIX

namespace metal {

static_assert(sizeof(half4x4) == 32 && sizeof(float2x4) == 32 && alignof(half4x4) == 2);

template <typename T, int C, int R>
inline matrix<T, C, R> operator+(const matrix<T, C, R> & a, const matrix<T, C, R> & b) {
    matrix<T, C, R> result;
    for (int c = 0; c < C; ++c) {
        result[c] = a[c] + b[c];
    }
    return result;
}

template <typename T, int C, int R>
inline matrix<T, C, R> operator-(const matrix<T, C, R> & a, const matrix<T, C, R> & b) {
    matrix<T, C, R> result;
    for (int c = 0; c < C; ++c) {
        result[c] = a[c] - b[c];
    }
    return result;
}

template <typename T, int C, int R, typename S, enable_if_t<is_scalar<S>, int> = 0>
inline matrix<T, C, R> operator*(const matrix<T, C, R> & a, S b) {
    matrix<T, C, R> result;
    for (int c = 0; c < C; ++c) {
        result[c] = a[c] * b;
    }
    return result;
}

template <typename T, int C, int R, typename S, enable_if_t<is_scalar<S>, int> = 0>
inline matrix<T, C, R> operator*(S a, const matrix<T, C, R> & b) {
    return b * a;
}

// A vector on the right is a column: the sum of the matrix's columns, each by its element.
template <typename T, int C, int R>
inline vec<T, R> operator*(const matrix<T, C, R> & a, const vec<T, C> & b) {
    vec<T, R> result = a[0] * b[0];
    for (int c = 1; c < C; ++c) {
        result += a[c] * b[c];
    }
    return result;
}

template <typename T, int C, int R, int K>
inline matrix<T, K, R> operator*(const matrix<T, C, R> & a, const matrix<T, K, C> & b) {
    matrix<T, K, R> result;
    for (int k = 0; k < K; ++k) {
        result[k] = a * b[k];
    }
    return result;
}

template <typename T, int C, int R>
inline matrix<T, R, C> transpose(const matrix<T, C, R> & a) {
    matrix<T, R, C> result;
    for (int c = 0; c < C; ++c) {
        for (int r = 0; r < R; ++r) {
            result[r][c] = a[c][r];
        }
    }
    return result;
}

}  // namespace metal
