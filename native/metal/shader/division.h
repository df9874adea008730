// Integer division that does not trap.
//
// By zero, and of the least integer by -1, a GPU gives some value and goes on; x86 ends the program. Kernels do it for
// values that they then do not use. clang's sanitizer does not help: after its report the division still runs and traps.
//
// The source step writes `a *::metal::over* b` for `a / b`, `a *::metal::modulo* b` for `a % b`,
// `a |=::metal::by_over = b` for `a /= b` and `a |=::metal::by_modulo = b` for `a %= b`. Precedence and associativity
// stay those of the source, so the step needs no knowledge of types, and all of it stays usable in constants.
#pragma once

#include "scalars.h"

// Counts one division that had no defined result. Defined by the runtime.
extern "C" void emulated_undefined_division();

namespace metal {

template <typename A, typename B>
constexpr auto quotient(A a, B b) {
    if constexpr (is_integer<A> && is_integer<B>) {
        using T = decltype(a / b);
        const T dividend = static_cast<T>(a);
        const T divisor = static_cast<T>(b);
        if (__builtin_expect(divisor == 0, false)) {
            emulated_undefined_division();
            return T(0);
        }
        if constexpr (static_cast<T>(-1) < static_cast<T>(0)) {
            if (divisor == -1) {
                T negated = 0;
                if (__builtin_sub_overflow(T(0), dividend, &negated)) {
                    emulated_undefined_division();
                }
                return negated;
            }
        }
        return static_cast<T>(dividend / divisor);
    } else {
        return a / b;
    }
}

template <typename A, typename B>
constexpr auto remainder(A a, B b) {
    if constexpr (is_integer<A> && is_integer<B>) {
        using T = decltype(a % b);
        const T dividend = static_cast<T>(a);
        const T divisor = static_cast<T>(b);
        if (__builtin_expect(divisor == 0, false)) {
            emulated_undefined_division();
            return T(0);
        }
        if constexpr (static_cast<T>(-1) < static_cast<T>(0)) {
            if (divisor == -1) {
                return T(0);
            }
        }
        return static_cast<T>(dividend % divisor);
    } else {
        return a % b;
    }
}

struct over_t {};
struct modulo_t {};
inline constexpr over_t over{};
inline constexpr modulo_t modulo{};

template <typename A>
struct dividend_over {
    A value;
};
template <typename A>
struct dividend_modulo {
    A value;
};

// Enumerations and bit fields decay to the value that the built-in operator would see.
template <typename A>
constexpr auto divisible(A a) {
    if constexpr (__is_enum(A)) {
        return +a;
    } else {
        return a;
    }
}

template <typename A>
constexpr auto operator*(const A & a, over_t) {
    return dividend_over<decltype(divisible(a))>{divisible(a)};
}
template <typename A>
constexpr auto operator*(const A & a, modulo_t) {
    return dividend_modulo<decltype(divisible(a))>{divisible(a)};
}
template <typename A, typename B>
constexpr auto operator*(dividend_over<A> a, const B & b) {
    return quotient(a.value, divisible(b));
}
template <typename A, typename B>
constexpr auto operator*(dividend_modulo<A> a, const B & b) {
    return remainder(a.value, divisible(b));
}

template <typename B>
struct divisor_over {
    B value;
};
template <typename B>
struct divisor_modulo {
    B value;
};

// Assignment has one precedence and goes from right to left, so the right side is whole when it arrives here.
struct by_over_t {
    template <typename B>
    constexpr auto operator=(const B & b) const {
        return divisor_over<decltype(divisible(b))>{divisible(b)};
    }
};
struct by_modulo_t {
    template <typename B>
    constexpr auto operator=(const B & b) const {
        return divisor_modulo<decltype(divisible(b))>{divisible(b)};
    }
};
inline constexpr by_over_t by_over{};
inline constexpr by_modulo_t by_modulo{};

template <typename A, typename B>
constexpr A & operator|=(A & a, divisor_over<B> b) {
    return a = static_cast<A>(quotient(a, b.value));
}
template <typename A, typename B>
constexpr A & operator|=(A & a, divisor_modulo<B> b) {
    return a = static_cast<A>(remainder(a, b.value));
}

}  // namespace metal
