// Scalar types. `half` is the compiler's own; `bfloat` is a class.
//
// clang has __bf16, but converts to it through a function that Debian 12's libgcc lacks, once for each element of a
// vector, and cannot convert between it and _Float16. The class needs neither, and rounds with integer instructions.
#pragma once

#include "traits.h"

// Metal's compiler knows the names of types without its library: they are outside of its namespace as well.
// They are the same types as the system's headers give.
using int8_t = signed char;
using int16_t = short;
using int32_t = int;
using int64_t = long;
using uint8_t = unsigned char;
using uint16_t = unsigned short;
using uint32_t = unsigned int;
using uint64_t = unsigned long;
using size_t = unsigned long;
using ptrdiff_t = long;
using intptr_t = long;
using uintptr_t = unsigned long;

using uchar = unsigned char;
using ushort = unsigned short;
using uint = unsigned int;
using ulong = unsigned long;
using half = _Float16;

namespace metal {

using ::int16_t;
using ::int32_t;
using ::int64_t;
using ::int8_t;
using ::intptr_t;
using ::ptrdiff_t;
using ::size_t;
using ::uint16_t;
using ::uint32_t;
using ::uint64_t;
using ::uint8_t;
using ::uintptr_t;

using ::half;
using ::uchar;
using ::uint;
using ::ulong;
using ::ushort;

static_assert(sizeof(long) == 8 && sizeof(half) == 2);

struct bfloat;

// Built-in types only: bfloat is none.
template <typename T>
constexpr bool is_integer = __is_integral(T);
template <typename T>
constexpr bool is_native_floating = __is_floating_point(T);

// What Metal calls a scalar; enumerations count, as they convert to their integer.
template <typename T>
constexpr bool is_floating = is_native_floating<T> || is_same_v<T, bfloat>;
template <typename T>
constexpr bool is_scalar = is_integer<T> || is_floating<T> || __is_enum(T);

template <typename To, typename From>
inline To bits_as(const From & from) {
    static_assert(sizeof(To) == sizeof(From), "both sides have the same number of bytes");
    To to;
    __builtin_memcpy(&to, &from, sizeof to);
    return to;
}

// Bits of the bfloat nearest to a float; ties go to even, a NaN keeps its sign and becomes quiet.
constexpr uint bfloat_bits(float value) {
    const uint bits = __builtin_bit_cast(uint, value);
    const uint rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    return value == value ? rounded : (bits >> 16) | 0x40;
}

// The float next to a double in the direction that keeps a later rounding right ("round to odd").
// Boldo and Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd", 2008.
constexpr float narrowed_to_odd(double value) {
    const float nearest = static_cast<float>(value);
    if (static_cast<double>(nearest) == value || value != value) {
        return nearest;
    }
    const uint bits = __builtin_bit_cast(uint, nearest);
    const double magnitude = value < 0 ? -value : value;
    const double found = value < 0 ? -static_cast<double>(nearest) : static_cast<double>(nearest);
    return __builtin_bit_cast(float, (found > magnitude ? bits - 1 : bits) | 1);
}

struct bfloat {
    uint16_t bits;

    bfloat() = default;

    constexpr bfloat(float value) : bits(static_cast<uint16_t>(bfloat_bits(value))) {}
    constexpr bfloat(half value) : bfloat(static_cast<float>(value)) {}
    constexpr bfloat(double value) : bfloat(narrowed_to_odd(value)) {}

    // 64-bit integers may be rounded twice: once to a double's 53 bits, then here.
    template <typename T, enable_if_t<is_integer<T> || __is_enum(T), int> = 0>
    constexpr bfloat(T value) : bfloat(static_cast<double>(value)) {}

    // By itself to float alone. A plain operator would go on to int, and make an int of `condition ? value : 0`.
    template <typename T, enable_if_t<is_same_v<T, float>, int> = 0>
    constexpr operator T() const {
        return __builtin_bit_cast(float, static_cast<uint>(bits) << 16);
    }
    template <typename T, enable_if_t<!is_same_v<T, float> && (is_integer<T> || is_native_floating<T>), int> = 0>
    constexpr explicit operator T() const {
        return static_cast<T>(static_cast<float>(*this));
    }

    template <typename T>
    bfloat & operator+=(T other) { return *this = bfloat(*this + other); }
    template <typename T>
    bfloat & operator-=(T other) { return *this = bfloat(*this - other); }
    template <typename T>
    bfloat & operator*=(T other) { return *this = bfloat(*this * other); }
    template <typename T>
    bfloat & operator/=(T other) { return *this = bfloat(*this / other); }
};

static_assert(sizeof(bfloat) == 2 && alignof(bfloat) == 2);

// bfloat with bfloat, or with an integer, gives bfloat; with float, the compiler's own operators give float.
// With half there is no operator: which type should result is not said. Templates, so that a float operand never takes this way by conversion.
template <typename A, typename B>
constexpr bool stays_bfloat = (is_same_v<A, bfloat> && (is_same_v<B, bfloat> || is_integer<B>)) ||
                              (is_same_v<B, bfloat> && is_integer<A>);

#define METAL_BFLOAT_OPERATOR(result, op)                                         \
    template <typename A, typename B, enable_if_t<stays_bfloat<A, B>, int> = 0>   \
    constexpr result operator op(A a, B b) {                                      \
        return static_cast<float>(bfloat(a)) op static_cast<float>(bfloat(b));    \
    }
METAL_BFLOAT_OPERATOR(bfloat, +)
METAL_BFLOAT_OPERATOR(bfloat, -)
METAL_BFLOAT_OPERATOR(bfloat, *)
METAL_BFLOAT_OPERATOR(bfloat, /)
METAL_BFLOAT_OPERATOR(bool, ==)
METAL_BFLOAT_OPERATOR(bool, !=)
METAL_BFLOAT_OPERATOR(bool, <)
METAL_BFLOAT_OPERATOR(bool, >)
METAL_BFLOAT_OPERATOR(bool, <=)
METAL_BFLOAT_OPERATOR(bool, >=)
#undef METAL_BFLOAT_OPERATOR

template <typename T, enable_if_t<is_same_v<T, bfloat>, int> = 0>
constexpr bfloat operator-(T value) {
    bfloat negated{};
    negated.bits = value.bits ^ 0x8000;
    return negated;
}

}  // namespace metal

using metal::bfloat;
