// Functions of integers alone. Metal's chapter "Integer Functions"; what floats have as well is in common.h.
#pragma once

#include "common.h"

namespace metal {

template <typename T>
constexpr int bit_count = 8 * sizeof(T);

// The unsigned integer of the same width, through which bits are counted and moved.
template <typename T>
using unsigned_t =
    conditional_t<sizeof(T) == 1, uchar, conditional_t<sizeof(T) == 2, ushort, conditional_t<sizeof(T) == 4, uint, ulong>>>;

template <typename T, enable_if_t<of_integer<T>, int> = 0>
inline T popcount(T a) {
    return each<T>([](auto x) { return __builtin_popcountll(static_cast<unsigned_t<decltype(x)>>(x)); }, a);
}

// Of zero: the number of bits.
template <typename T, enable_if_t<of_integer<T>, int> = 0>
inline T clz(T a) {
    return each<T>([](auto x) {
        const ulong bits = static_cast<unsigned_t<decltype(x)>>(x);
        return (bits == 0 ? 64 : __builtin_clzl(bits)) - (64 - bit_count<decltype(x)>);
    }, a);
}
template <typename T, enable_if_t<of_integer<T>, int> = 0>
inline T ctz(T a) {
    return each<T>([](auto x) {
        const ulong bits = static_cast<unsigned_t<decltype(x)>>(x);
        return bits == 0 ? bit_count<decltype(x)> : __builtin_ctzl(bits);
    }, a);
}

template <typename T, enable_if_t<of_integer<T>, int> = 0>
inline T reverse_bits(T a) {
    return each<T>([](auto x) {
        const ulong bits = static_cast<unsigned_t<decltype(x)>>(x);
        return __builtin_bitreverse64(bits) >> (64 - bit_count<decltype(x)>);
    }, a);
}

template <typename T, enable_if_t<of_integer<T>, int> = 0>
inline T rotate(T a, T by) {
    return each<T>([](auto x, auto n) {
        using U = unsigned_t<decltype(x)>;
        const int places = static_cast<U>(n) % bit_count<U>;
        const ulong bits = static_cast<U>(x);
        return static_cast<U>((bits << places) | (bits >> ((bit_count<U> - places) % bit_count<U>)));
    }, a, by);
}

// The upper half of the product.
template <typename T, enable_if_t<of_integer<T>, int> = 0>
inline T mulhi(T a, T b) {
    return each<T>([](auto x, auto y) {
        return static_cast<decltype(x)>((static_cast<__int128>(x) * static_cast<__int128>(y)) >> bit_count<decltype(x)>);
    }, a, b);
}
template <typename T, enable_if_t<of_integer<T>, int> = 0>
inline T madhi(T a, T b, T c) {
    return mulhi(a, b) + c;
}

template <typename T, enable_if_t<of_integer<T>, int> = 0>
inline T absdiff(T a, T b) {
    return each<T>([](auto x, auto y) {
        using U = unsigned_t<decltype(x)>;
        return x > y ? static_cast<U>(static_cast<U>(x) - static_cast<U>(y)) : static_cast<U>(static_cast<U>(y) - static_cast<U>(x));
    }, a, b);
}
// Beyond what the type holds: its greatest, or its least where the sum went down.
template <typename T>
constexpr T saturated(bool downwards) {
    const auto ones = static_cast<unsigned_t<T>>(-1);
    const T greatest = static_cast<T>(static_cast<T>(-1) < static_cast<T>(0) ? ones >> 1 : ones);
    return downwards ? static_cast<T>(~greatest) : greatest;
}
template <typename T, enable_if_t<of_integer<T>, int> = 0>
inline T addsat(T a, T b) {
    return each<T>([](auto x, auto y) {
        decltype(x) sum;
        return __builtin_add_overflow(x, y, &sum) ? saturated<decltype(x)>(y < 0) : sum;
    }, a, b);
}
template <typename T, enable_if_t<of_integer<T>, int> = 0>
inline T subsat(T a, T b) {
    return each<T>([](auto x, auto y) {
        decltype(x) difference;
        return __builtin_sub_overflow(x, y, &difference) ? saturated<decltype(x)>(!(y < 0)) : difference;
    }, a, b);
}

// `count` bits from bit `offset` on; of a signed type the highest of them is the sign.
template <typename T, enable_if_t<of_integer<T>, int> = 0>
inline T extract_bits(T a, uint offset, uint count) {
    return each<T>([=](auto x) -> decltype(x) {
        using U = unsigned_t<decltype(x)>;
        if (count == 0) {
            return 0;
        }
        const uint above = bit_count<U> - offset - count;
        return static_cast<decltype(x)>(static_cast<U>(x) << above) >> (bit_count<U> - count);
    }, a);
}

template <typename T, enable_if_t<of_integer<T>, int> = 0>
inline T insert_bits(T base, T insert, uint offset, uint count) {
    return each<T>([=](auto x, auto y) {
        const ulong mask = (count >= 64 ? ~0ul : (1ul << count) - 1) << offset;
        return (static_cast<ulong>(x) & ~mask) | ((static_cast<ulong>(y) << offset) & mask);
    }, base, insert);
}

}  // namespace metal
