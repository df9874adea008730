// What the headers of native/metal/shader compute, held against the definitions. One check a run: its name is the argument.
//
// Prints how many comparisons were made; exit status 0: all held, 1: not (the first of them are shown), 2: no such check.
#include <cmath>
#include <cstdio>
#include <cstring>

#include "metal.h"  // after the system's: it may follow them

using namespace metal;

static long compared = 0;
static long failed = 0;
static int undefined_divisions = 0;

extern "C" void emulated_undefined_division() { ++undefined_divisions; }

static void hold(bool held, const char * what, double a = 0, double b = 0) {
    ++compared;
    if (!held && ++failed <= 10) {
        std::printf("%s: %.17g, %.17g\n", what, a, b);
    }
}
#define HOLD(...) hold((__VA_ARGS__), #__VA_ARGS__)

template <typename A, typename B>
static void same(A a, B b, const char * what) {
    hold(std::memcmp(&a, &b, sizeof a) == 0 || (a != a && b != b), what, double(float(a)), double(float(b)));
}

// A number by its definition: sign, exponent and fraction of a format with so many bits of each.
static double defined(uint bits, int exponent_bits, int fraction_bits) {
    const int bias = (1 << (exponent_bits - 1)) - 1;
    const int exponent = (bits >> fraction_bits) & ((1 << exponent_bits) - 1);
    const double fraction = std::ldexp(bits & ((1 << fraction_bits) - 1), -fraction_bits);
    const double sign = bits >> (exponent_bits + fraction_bits) ? -1 : 1;
    if (exponent == (1 << exponent_bits) - 1) {
        return fraction == 0 ? sign * HUGE_VAL : std::nan("");
    }
    return sign * (exponent == 0 ? std::ldexp(fraction, 1 - bias) : std::ldexp(1 + fraction, exponent - bias));
}

template <typename T>
static double defined(uint bits) {
    return is_same_v<T, half> ? defined(bits, 5, 10) : defined(bits, 8, 7);
}

template <typename T>
static uint bits_of(T value) {
    return as_type<ushort>(value);
}

template <typename T>
static void decodes() {
    for (uint bits = 0; bits < 0x10000; ++bits) {
        const T value = as_type<T>(ushort(bits));
        const double expected = defined<T>(bits);
        const float found = float(value);
        hold(found == expected ? std::signbit(found) == std::signbit(expected) : found != found && expected != expected,
             "value of bits", bits, found);
        if (expected == expected) {
            hold(bits_of(T(found)) == bits, "there and back", bits, bits_of(T(found)));
            hold(bits_of(T(double(expected))) == bits, "there and back by double", bits, bits_of(T(expected)));
        } else {
            hold(float(T(found)) != found && (bits_of(T(found)) & 0x8000) == (bits & 0x8000), "NaN stays, with its sign", bits);
        }
        hold(bits_of(vec<T, 4>(float4(found)).z) == bits_of(T(found)), "as an element", bits);
        const float wide = float4(vec<T, 4>(value)).w;
        hold(as_type<uint>(wide) == as_type<uint>(found), "from an element", bits);
    }
}

// What rounds to what, at each boundary: `from` is a float between two neighbours, given by their bits.
template <typename T>
static void rounded(float from, uint expected) {
    hold(bits_of(T(from)) == expected, "rounding", from, bits_of(T(from)));
    hold(bits_of(vec<T, 4>(float4(from)).x) == expected, "rounding of an element", from);
    hold(bits_of(vec<T, 3>(float3(-from)).y) == (expected ^ 0x8000), "rounding of the negative", from);
}

template <typename T>
static void rounds() {
    const uint infinity = is_same_v<T, half> ? 0x7c00 : 0x7f80;
    for (uint bits = 0; bits < infinity; ++bits) {
        const double below = defined<T>(bits);
        // beyond the greatest number comes what would be the next, if the exponent went on
        const double above = bits + 1 < infinity ? defined<T>(bits + 1) : 2 * below - defined<T>(bits - 1);
        const double middle = below + (above - below) / 2;
        const float tie = float(middle);
        if (double(tie) != middle) {
            continue;  // a float has no such number: never, as float holds one more bit at least
        }
        rounded<T>(tie, bits & 1 ? bits + 1 : bits);
        rounded<T>(std::nextafterf(tie, 0.0f), bits);
        rounded<T>(std::nextafterf(tie, HUGE_VALF), bits + 1);
        // by double one can come nearer to the middle than by float
        hold(bits_of(T(std::nextafter(middle, HUGE_VAL))) == bits + 1, "rounding of a double", middle);
        hold(bits_of(T(std::nextafter(middle, 0.0))) == bits, "rounding of a double", middle);
    }
    rounded<T>(HUGE_VALF, infinity);
    rounded<T>(FLT_MAX, infinity);
    HOLD(compared > 7 * 30000);
}

// Each operation of two small numbers is that of floats, rounded once.
template <typename T>
static void calculates() {
    for (uint a = 0; a < 0x10000; a += 7) {
        for (uint b = 3; b < 0x10000; b += 1021) {
            const T x = as_type<T>(ushort(a));
            const T y = as_type<T>(ushort(b));
            const float fx = float(x);
            const float fy = float(y);
            const vec<T, 4> vx(x);
            const vec<T, 4> vy(y);
            same(T(x + y), T(fx + fy), "+");
            same(T(x - y), T(fx - fy), "-");
            same(T(x * y), T(fx * fy), "*");
            same(T(x / y), T(fx / fy), "/");
            same((vx + vy).x, T(fx + fy), "+ of vectors");
            same((vx * vy).w, T(fx * fy), "* of vectors");
            same((vx / vy).z, T(fx / fy), "/ of vectors");
            same((-vx).y, T(-fx), "- of a vector");
            hold((x < y) == (fx < fy) && (vx < vy).x == (fx < fy), "<", fx, fy);
            hold((x == y) == (fx == fy) && (vx == vy).w == (fx == fy), "==", fx, fy);
            same(max(x, y), T(std::fmax(fx, fy)), "max");
            same(min(x, y), T(std::fmin(fx, fy)), "min");
        }
    }
}

template <typename T>
static void rounds_functions() {
    for (uint bits = 0; bits < 0x10000; ++bits) {
        const T x = as_type<T>(ushort(bits));
        const float f = float(x);
        same(exp(x), T(std::exp(f)), "exp");
        same(precise::tanh(x), T(std::tanh(f)), "tanh");
        same(sqrt(vec<T, 4>(x)).z, T(std::sqrt(f)), "sqrt");
        same(round(x), T(std::round(f)), "round");
        same(rint(vec<T, 2>(x)).y, T(std::rint(f)), "rint");
        same(floor(x), T(std::floor(f)), "floor");
        same(fabs(x), T(std::fabs(f)), "fabs");
        hold(isnan(x) == std::isnan(f) && isinf(x) == std::isinf(f) && isfinite(x) == std::isfinite(f), "kind", f);
        if (std::isfinite(f)) {
            hold(fract(x) >= 0 && fract(x) < 1, "fract", f, float(fract(x)));
        }
    }
    HOLD(round(half(2.5f)) == 3 && round(half(-2.5f)) == -3 && rint(half(2.5f)) == 2);
    HOLD(sign(half(-3.0f)) == -1 && sign(NAN) == 0 && fabs(bfloat(-2.0f)) == 2);
}

static void bfloat_types() {
    bfloat b = 1.5f;
    HOLD(is_same_v<decltype(b + b), bfloat> && is_same_v<decltype(b * 2), bfloat> && is_same_v<decltype(-b), bfloat>);
    HOLD(is_same_v<decltype(b + 1.0f), float>);
    HOLD(is_same_v<decltype(true ? b : 0), bfloat>);
    HOLD(int(b) == 1 && half(b) == half(1.5f) && bool(b) && double(b) == 1.5);
    b += 0.25f;
    HOLD(float(b) == 1.75f);
    float f = 1;
    f += b;
    HOLD(f == 2.75f);
    // 2^24 + 2^16 + 1: by float the last bit is lost, what is left is a tie and goes down
    HOLD(float(bfloat(16842753)) == 16908288.0f && float(bfloat(16842753.0)) == 16908288.0f);
    HOLD(float(bfloat(-16842753)) == -16908288.0f);
}

static void layouts() {
    HOLD(sizeof(float2) == 8 && sizeof(float3) == 16 && sizeof(float4) == 16 && alignof(float4) == 4);
    HOLD(sizeof(half3) == 8 && sizeof(half4) == 8 && alignof(half4) == 2 && sizeof(bfloat4) == 8);
    HOLD(sizeof(uchar3) == 4 && sizeof(packed_char4) == 4 && sizeof(bool4) == 4 && sizeof(ulong2) == 16);
    HOLD(sizeof(float4x4) == 64 && sizeof(half2x4) == 16 && sizeof(float3x3) == 48 && alignof(half4x4) == 2);
    float values[24];
    for (int i = 0; i < 24; ++i) {
        values[i] = float(i);
    }
    const float4 * unaligned = reinterpret_cast<const float4 *>(values + 1);
    HOLD(unaligned[1].x == 5 && unaligned[1].w == 8 && unaligned[1][2] == 7);
    const float4x4 & m = *reinterpret_cast<const float4x4 *>(values + 3);
    HOLD(m[0][0] == 3 && m[1][0] == 7 && m[3][3] == 18);
    float4x4 made;
    for (int i = 0; i < 16; ++i) {
        made[i / 4][i % 4] = float(i) + 3;
    }
    HOLD(std::memcmp(&made, &m, sizeof m) == 0);
    HOLD(as_type<uint>(uchar4(1, 2, 3, 4)) == 0x04030201u && as_type<float>(0x3f800000u) == 1.0f);
}

static void constructors() {
    const float4 given = {1, 2};  // what is not given is zero, also after a single one
    const float4 single = {3.0f};
    HOLD(given.y == 2 && given.z == 0 && given.w == 0 && single.x == 3 && single.y == 0);
    const float4 splat = 3;
    HOLD(all(splat == 3.0f));
    const float4 joined(float2(1, 2), 3, 4);
    const float4 pairs(float2(1, 2), float2(3, 4));
    HOLD(all(joined == pairs) && joined.x == 1 && joined.w == 4);
    HOLD(all(float4(float3(1, 2, 3), 4) == joined));
    HOLD(float4(0.0f, -1.0f, NAN, 2.0f).y == -1 && !all(bool4(float4(0.0f, 1, 1, 1))) && any(bool2(half2(0, 1))));
    HOLD(all(int4(float4(1.9f, -1.9f, 0.5f, 7)) == int4(1, -1, 0, 7)));
    HOLD(all(float4(uchar4(255, 0, 1, 2)) == float4(255, 0, 1, 2)) && all(float4(char4(-1, 1, 2, 3)) == float4(-1, 1, 2, 3)));
    HOLD(all(half4(bfloat4(float4(1.5f))) == half4(1.5f)) && all(float4(true, false, true, true) == float4(1, 0, 1, 1)));
    const float4x4 diagonal(2.0f);
    HOLD(diagonal[0][0] == 2 && diagonal[3][3] == 2 && diagonal[0][1] == 0 && diagonal[3][2] == 0);
    const half4x4 narrow = half4x4(diagonal);
    HOLD(narrow[2][2] == 2 && narrow[2][1] == 0 && sizeof narrow == 32);
    const float2x2 two(1, 2, 3, 4);
    HOLD(two[0][1] == 2 && two[1][0] == 3 && all(two * float2(1, 1) == float2(4, 6)) && transpose(two)[0][1] == 3);
    HOLD((two * two)[0][0] == 7 && (2.0f * two)[1][1] == 8);
}

static void operators() {
    const float4 a(1, 2, 3, 4);
    const float4 b(4, 3, 2, 1);
    HOLD(all(a + b == 5.0f) && all(a - 1 == float4(0, 1, 2, 3)) && all(1 - a == float4(0, -1, -2, -3)));
    HOLD((a < b).x && (a < b).y && !(a < b).z && all(-a == float4(-1, -2, -3, -4)));
    float4 c = a;
    c *= 2;
    c += a;
    c /= float4(3);
    HOLD(all(c == a));
    HOLD(dot(a, b) == 20 && length(float2(3, 4)) == 5 && all(normalize(float2(3, 4)) == float2(0.6f, 0.8f)));
    HOLD(all(cross(float3(1, 0, 0), float3(0, 1, 0)) == float3(0, 0, 1)));
    const uchar4 bytes(0xf0, 0x0f, 0xff, 1);
    HOLD(all((bytes & 0x0f) == uchar4(0, 15, 15, 1)) && all((bytes >> 4) == uchar4(15, 0, 15, 0)));
    HOLD(all((bytes | 1) == uchar4(0xf1, 0x0f, 0xff, 1)) && all(~bytes == uchar4(15, 0xf0, 0, 0xfe)));
    HOLD(all(bytes + uchar4(16) == uchar4(0, 31, 15, 17)) && is_same_v<decltype(bytes + bytes), uchar4>);
    HOLD(all(!(a < b) || (a < b)) && !any((a < b) && (a > b)));
    HOLD(all(select(a, b, a < b) == float4(4, 3, 3, 4)) && select(-1, 7, true) == 7 && select(1.0f, 2.0f, false) == 1);
    HOLD(all(select(half4(1), half4(2), bool4(true, false, true, false)) == half4(2, 1, 2, 1)));
    HOLD(is_same_v<decltype(half4(1) * 2.0f), half4> && is_same_v<decltype(half(1) * 2.0f), float>);
}

static void mixed_arguments() {
    HOLD(is_same_v<decltype(max(half(1), half(2))), half> && is_same_v<decltype(max(half(1), 0.f)), float>);
    HOLD(is_same_v<decltype(max(uchar(1), uchar(2))), uchar> && is_same_v<decltype(min(1, 2u)), uint>);
    HOLD(all(max(float4(-1, 2, -3, 4), 0.0f) == float4(0, 2, 0, 4)) && all(fmax(0, float2(-1, 1)) == float2(0, 1)));
    HOLD(pow(2.0f, 3) == 8 && clamp(5, 0, 3) == 3 && clamp(half(0.5f), 0, 1) == half(0.5f));
    HOLD(max(NAN, 1.0f) == 1 && max(1.0f, NAN) == 1 && fmin(NAN, 1.0f) == 1 && isnan(max(NAN, NAN)));
    HOLD(all(exp(float4(0)) == 1.0f) && all(fma(float2(2), float2(3), 1.0f) == 7.0f) && mad(2.0f, 3.0f, 1.0f) == 7);
    // 2^-31 below the middle of two halves: with two roundings it would be the middle, and go up
    HOLD(fma(half(1 + 0x1p-10f), half(0x1p-11f - 0x1p-21f), half(1 + 0x1p-10f)) == half(1 + 0x1p-10f));
    HOLD(abs(-3) == 3 && abs(-2.5f) == 2.5f && all(abs(int2(-1, 2)) == int2(1, 2)) && abs(short(-32768)) == -32768);
    HOLD(smoothstep(0.0f, 1.0f, 0.5f) == 0.5f && step(1.0f, 0.5f) == 0 && mix(1.0f, 3.0f, 0.5f) == 2 && saturate(7.0f) == 1);
    HOLD(copysign(2.0f, -1.0f) == -2 && ldexp(half(1), 3) == 8 && atan2(0.0f, 1.0f) == 0 && fast::exp(0.0f) == 1);
    float cosine;
    HOLD(sincos(0.0f, cosine) == 0 && cosine == 1);
}

static void integers() {
    HOLD(popcount(0xff00u) == 8 && popcount(char(-1)) == 8 && popcount(ulong(-1)) == 64);
    HOLD(clz(0u) == 32 && clz(1u) == 31 && clz(uchar(1)) == 7 && clz(0ul) == 64 && ctz(0u) == 32 && ctz(8) == 3 && ctz(uchar(0)) == 8);
    HOLD(reverse_bits(1u) == 0x80000000u && reverse_bits(uchar(3)) == 0xc0 && rotate(0x80000001u, 1u) == 3 && rotate(5u, 0u) == 5);
    HOLD(mulhi(0x80000000u, 4u) == 2 && mulhi(-1, 1) == -1 && mulhi(ulong(-1), 2ul) == 1 && madhi(0x80000000u, 4u, 1u) == 3);
    HOLD(extract_bits(0xabcdu, 4, 8) == 0xbc && extract_bits(0xf0, 4, 4) == -1 && extract_bits(7u, 0, 0) == 0);
    HOLD(insert_bits(0u, 0xffu, 4, 4) == 0xf0 && addsat(uchar(250), uchar(10)) == 255 && subsat(1u, 2u) == 0 && absdiff(-5, 7) == 12);
    HOLD(addsat(char(-100), char(-100)) == -128 && addsat(INT_MAX, 1) == INT_MAX && subsat(INT_MIN, 1) == INT_MIN);
    HOLD(subsat(char(100), char(-100)) == 127 && addsat(short(1), short(2)) == 3);
    HOLD(all(popcount(uint2(1, 3)) == uint2(1, 2)) && median3(3, 1, 2) == 2 && max3(1, 2, 3) == 3 && min3(2, 1, 3) == 1);
}

template <typename T>
static T hidden(T value) {
    asm volatile("" : "+r"(value));
    return value;
}

static void divisions() {
    static_assert(7 *over* 2 == 3 && 7 *modulo* 4 == 3, "a constant stays one");
    static_assert(is_same_v<decltype(uchar(1) *over* uchar(1)), int> && is_same_v<decltype(1 *over* 2ul), ulong>);
    HOLD(2 * 9 *over* 3 *over* 2 == 3 && 1 + 9 *modulo* 4 * 2 == 3 && 100 *over* 7 *modulo* 5 == 100 / 7 % 5);
    HOLD(7.0f *over* 2 == 3.5f && half(1) *over* half(4) == half(0.25f) && all(float2(1, 2) *over* 2.0f == float2(0.5f, 1)));
    for (int a = -9; a < 10; ++a) {
        for (int b = -9; b < 10; ++b) {
            if (b != 0) {
                HOLD(hidden(a) *over* hidden(b) == a / b && hidden(a) *modulo* hidden(b) == a % b);
                long c = a;
                c |= by_over = b;
                short d = short(a);
                d |= by_modulo = b;
                HOLD(c == a / b && d == a % b);
            }
        }
    }
    int sum = 20;
    sum |= by_over = 2 + 3;
    HOLD(sum == 4 && undefined_divisions == 0);

    HOLD(hidden(5) *over* hidden(0) == 0 && hidden(5u) *modulo* hidden(0u) == 0 && hidden(5l) *over* hidden(0) == 0);
    HOLD(undefined_divisions == 3);
    HOLD(hidden(INT_MIN) *over* hidden(-1) == INT_MIN && hidden(INT_MIN) *modulo* hidden(-1) == 0);
    HOLD(undefined_divisions == 4);
    HOLD(all(int4(8) / int4(2, 0, 4, -1) == int4(4, 0, 2, -8)) && undefined_divisions == 5);
    HOLD(all(uint2(9, 9) % uint2(4, 0) == uint2(1, 0)) && undefined_divisions == 6);
    HOLD(isinf(hidden(1) *over* 0.0f) && undefined_divisions == 6);
}

struct Check {
    const char * name;
    void (*run)();
};

static const Check checks[] = {
    {"half-decodes", decodes<half>},
    {"bfloat-decodes", decodes<bfloat>},
    {"half-rounds", rounds<half>},
    {"bfloat-rounds", rounds<bfloat>},
    {"half-calculates", calculates<half>},
    {"bfloat-calculates", calculates<bfloat>},
    {"half-functions", rounds_functions<half>},
    {"bfloat-functions", rounds_functions<bfloat>},
    {"bfloat-types", bfloat_types},
    {"layouts", layouts},
    {"constructors", constructors},
    {"operators", operators},
    {"mixed-arguments", mixed_arguments},
    {"integers", integers},
    {"divisions", divisions},
};

int main(int count, char ** arguments) {
    for (const Check & check : checks) {
        if (count == 2 && std::strcmp(check.name, arguments[1]) == 0) {
            check.run();
            std::printf("%ld compared, %ld failed\n", compared, failed);
            return failed != 0;
        }
    }
    return 2;
}
