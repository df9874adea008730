// SPDX-License-Identifier: MIT
//
// BF16 as ggml does it, checked value by value against definitions written here.
//
// What is true of this ggml, and checked:
//
//   widening   BF16 to F32 is exact for all 65,536 patterns. The scalar function and the row
//              functions are the same; NaN payloads come through, signalling ones included.
//   narrowing  F32 to BF16 rounds to nearest, ties to even; what rounds past the largest BF16 is
//              infinite. NaN stays NaN, keeps its sign and its upper payload, and becomes quiet.
//              Infinities and zeroes keep their sign.
//   subnormals are kept, both ways, by ggml_fp32_to_bf16, ggml_fp32_to_bf16_row_ref and
//              ggml_cpu_fp32_to_bf16. ggml_fp32_to_bf16_row may flush them to zero, sign kept:
//              it does where ggml-base itself is compiled for AVX512-BF16. All or none is required.
//   matmul     see check_matmul for the bound.
//
// Prints "name: N checked, M wrong" per part and ends with status 1 if anything is wrong.

#include "ggml.h"
#include "ggml-backend.h"
#include "ggml-cpu.h"

#include <cinttypes>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static bool is_nan_f32(uint32_t bits) { return (bits & 0x7fffffff) > 0x7f800000; }

static bool is_subnormal_f32(uint32_t bits) { return (bits & 0x7f800000) == 0 && (bits & 0x007fffff) != 0; }

// Counts cases, and shows the first few that are wrong.
struct part {
    const char * name;
    int64_t      checked = 0;
    int64_t      wrong   = 0;

    explicit part(const char * name) : name(name) {}

    void expect(bool right, uint64_t input, uint64_t got, uint64_t expected) {
        checked++;
        if (!right && wrong++ < 5) {
            fprintf(stderr, "%s: 0x%08" PRIx64 " gave 0x%08" PRIx64 ", expected 0x%08" PRIx64 "\n", name, input, got, expected);
        }
    }

    bool done() const {
        printf("%s: %" PRId64 " checked, %" PRId64 " wrong\n", name, checked, wrong);
        return checked > 0 && wrong == 0;
    }
};

// The value of a pattern, from what the fields mean: no shift, no reinterpretation.
static double value_of_bf16(uint16_t bits) {
    const int    exponent = bits >> 7 & 0xff;
    const int    fraction = bits & 0x7f;
    const double sign     = bits & 0x8000 ? -1.0 : 1.0;
    if (exponent == 0xff) {
        return fraction ? NAN : sign*INFINITY;
    }
    return exponent == 0 ? sign*std::ldexp(fraction, -133) : sign*std::ldexp(128 + fraction, exponent - 134);
}

// Rounds by comparing distances: of the BF16 values around |x| the nearer one, of two equally near
// ones the even one. Positive patterns are in the order of their values, and past the largest comes
// 2^128, whose pattern is that of infinity.
static uint16_t narrow(float x) {
    const uint32_t f32  = bits_of(x);
    const uint16_t sign = f32 >> 31 ? 0x8000 : 0;
    if (is_nan_f32(f32)) {
        return (uint16_t) (sign | 0x7f80 | 0x0040 | (f32 >> 16 & 0x3f));
    }

    const double magnitude = std::fabs((double) x);
    if (std::isinf(magnitude)) {
        return sign | 0x7f80;
    }

    const auto value = [](uint16_t bits) { return bits == 0x7f80 ? std::ldexp(1.0, 128) : value_of_bf16(bits); };

    uint16_t below = 0, above = 0x7f80; // value(below) <= magnitude < value(above)
    while (above - below > 1) {
        const uint16_t middle = (uint16_t) ((below + above)/2);
        (value(middle) <= magnitude ? below : above) = middle;
    }

    const double to_below = magnitude - value(below);
    const double to_above = value(above) - magnitude;
    const bool   up       = to_above < to_below || (to_above == to_below && below % 2 == 1);
    return sign | (up ? above : below);
}

static bool check_widening() {
    std::vector<ggml_bf16_t> all(65536);
    for (size_t i = 0; i < all.size(); i++) {
        all[i].bits = (uint16_t) i;
    }

    std::vector<float> row(all.size()), cpu_row(all.size());
    ggml_bf16_to_fp32_row(all.data(), row.data(),     (int64_t) all.size());
    ggml_cpu_bf16_to_fp32(all.data(), cpu_row.data(), (int64_t) all.size());

    part scalar("widen"), rows("widen-row"), cpu("widen-cpu-row"), value("widen-value");
    for (size_t i = 0; i < all.size(); i++) {
        const uint32_t expected = (uint32_t) i << 16;
        const uint32_t got      = bits_of(ggml_bf16_to_fp32(all[i]));
        scalar.expect(got == expected, i, got, expected);
        rows.expect(bits_of(row[i]) == expected, i, bits_of(row[i]), expected);
        cpu.expect(bits_of(cpu_row[i]) == expected, i, bits_of(cpu_row[i]), expected);

        const double means = value_of_bf16((uint16_t) i);
        const double is    = (double) float_of(got);
        value.expect(means == is || (std::isnan(means) && std::isnan(is)), i, got, expected);
    }
    return scalar.done() & rows.done() & cpu.done() & value.done();
}

static bool check_round_trip() {
    part all("round-trip"), nans("nan"), infinities("infinity"), subnormals("subnormal");
    for (uint32_t i = 0; i < 65536; i++) {
        ggml_bf16_t in;
        in.bits = (uint16_t) i;
        const uint16_t out  = ggml_fp32_to_bf16(ggml_bf16_to_fp32(in)).bits;
        const bool     nan  = (i & 0x7fff) > 0x7f80;
        const uint16_t back = (uint16_t) (nan ? i | 0x0040 : i); // quiet

        all.expect(out == back, i, out, back);
        if (nan) {
            nans.expect((out & 0x7fff) > 0x7f80 && (out & 0x0040) && (out & 0x8000) == (i & 0x8000), i, out, back);
        }
        if ((i & 0x7fff) == 0x7f80) {
            infinities.expect(out == i, i, out, i);
        }
        if ((i & 0x7f80) == 0 && (i & 0x7f) != 0) {
            subnormals.expect(out == i, i, out, i);
        }
    }
    return all.done() & nans.done() & infinities.done() & subnormals.done();
}

// Every BF16 value with every interesting tail behind it: exact, one above, around the tie, one
// below the next; then random patterns of all kinds.
static std::vector<float> values_to_narrow() {
    std::vector<float> values;
    for (uint32_t high = 0; high < 65536; high++) {
        for (const uint32_t low : { 0x0000u, 0x0001u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu }) {
            values.push_back(float_of(high << 16 | low));
        }
    }
    std::mt19937 random(16);
    for (int i = 0; i < 600000; i++) {
        values.push_back(float_of((uint32_t) random()));
    }
    return values;
}

static bool check_narrowing() {
    const std::vector<float> values = values_to_narrow();
    const int64_t n = (int64_t) values.size();

    std::vector<ggml_bf16_t> ref(n), row(n), cpu(n);
    ggml_fp32_to_bf16_row_ref(values.data(), ref.data(), n);
    ggml_fp32_to_bf16_row    (values.data(), row.data(), n);
    ggml_cpu_fp32_to_bf16    (values.data(), cpu.data(), n);

    part scalar("narrow"), refs("narrow-row-ref"), rows("narrow-row"), cpus("narrow-cpu-row");
    int64_t kept = 0, flushed = 0;
    for (int64_t i = 0; i < n; i++) {
        const uint32_t in       = bits_of(values[i]);
        const uint16_t expected = narrow(values[i]);
        const uint16_t got      = ggml_fp32_to_bf16(values[i]).bits;
        scalar.expect(got == expected, in, got, expected);
        refs.expect(ref[i].bits == expected, in, ref[i].bits, expected);
        cpus.expect(cpu[i].bits == expected, in, cpu[i].bits, expected);

        const bool may_flush = is_subnormal_f32(in) && (expected & 0x7fff) != 0;
        const bool is_flush  = may_flush && row[i].bits == (expected & 0x8000);
        kept    += may_flush && row[i].bits == expected;
        flushed += is_flush;
        rows.expect(row[i].bits == expected || is_flush, in, row[i].bits, expected);
    }
    printf("narrow-row subnormals: %s\n", flushed == 0 ? "kept" : kept == 0 ? "flushed" : "mixed");
    // the number of values is a multiple of the vector width, so no scalar tail can mix the two
    return scalar.done() & refs.done() & rows.done() & cpus.done() & (flushed == 0 || kept == 0);
}

// out[m][n] = sum over k of a[m][k]*b[n][k], as ggml_mul_mat computes it on the CPU backend, against
// double precision. ggml narrows the F32 operand b to BF16 first; the reference does so with narrow().
//
// The bound. A product of two BF16 values has at most 16 significant bits, so it is exact in F32 and
// in double: all error is from summing. A sum of K terms in F32, in any order and with any number of
// partial sums, is off by at most (K - 1)*u*S to first order, u = 2^-24 being the unit roundoff and S
// the sum of the terms' magnitudes; (K + 8)*u*S covers higher orders and the last rounding of the
// result for the K used here (K*u <= 2^-12). AVX512-BF16 dot products add two products per step with
// a rounding of their own, so u = 2^-23 is used to leave room for that. They also flush subnormal
// products; the operands here are between 2^-7 and 2^2, so none arises.
//
// The double reference itself is off by at most K*2^-53*S, which is nothing beside that.
static bool check_matmul() {
    ggml_backend_t backend = ggml_backend_cpu_init();
    if (!backend) {
        fprintf(stderr, "matmul: no CPU backend\n");
        return false;
    }
    ggml_backend_cpu_set_n_threads(backend, 2);

    part results("matmul");
    double worst = 0.0; // error as a part of the bound
    std::mt19937 random(8);
    std::uniform_real_distribution<float> exponent(-7.0f, 2.0f);
    const auto draw = [&]() { return std::exp2(exponent(random))*(random() & 1 ? -1.0f : 1.0f); };

    const std::vector<std::pair<int, int>> sizes = { { 1, 1 }, { 3, 1 }, { 5, 3 }, { 16, 16 }, { 33, 7 } }; // M, N
    for (const int K : { 1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 256, 1000, 2048 }) {
        for (const auto & [M, N] : sizes) {
            std::vector<ggml_bf16_t> a((size_t) M*K);
            std::vector<float>       b((size_t) N*K), out((size_t) M*N);
            for (auto & value : a) { value.bits = narrow(draw()); }
            for (auto & value : b) { value = draw(); }

            ggml_init_params params = { ggml_tensor_overhead()*8 + ggml_graph_overhead(), nullptr, true };
            ggml_context * ctx = ggml_init(params);
            ggml_tensor  * ta  = ggml_new_tensor_2d(ctx, GGML_TYPE_BF16, K, M);
            ggml_tensor  * tb  = ggml_new_tensor_2d(ctx, GGML_TYPE_F32,  K, N);
            ggml_tensor  * tc  = ggml_mul_mat(ctx, ta, tb);
            ggml_cgraph  * gf  = ggml_new_graph(ctx);
            ggml_build_forward_expand(gf, tc);

            ggml_backend_buffer_t buffer = ggml_backend_alloc_ctx_tensors(ctx, backend);
            ggml_backend_tensor_set(ta, a.data(), 0, a.size()*sizeof(a[0]));
            ggml_backend_tensor_set(tb, b.data(), 0, b.size()*sizeof(b[0]));
            const bool computed = ggml_backend_graph_compute(backend, gf) == GGML_STATUS_SUCCESS;
            ggml_backend_tensor_get(tc, out.data(), 0, out.size()*sizeof(out[0]));

            for (int n = 0; n < N; n++) {
                for (int m = 0; m < M; m++) {
                    double sum = 0.0, magnitudes = 0.0;
                    for (int k = 0; k < K; k++) {
                        const double product = value_of_bf16(a[(size_t) m*K + k].bits)*value_of_bf16(narrow(b[(size_t) n*K + k]));
                        sum        += product;
                        magnitudes += std::fabs(product);
                    }
                    const float  got   = out[(size_t) n*M + m];
                    const double bound = (K + 8)*std::ldexp(1.0, -23)*magnitudes;
                    const double error = std::fabs(got - sum);
                    worst = std::fmax(worst, error/bound);
                    // written so that NaN is wrong
                    results.expect(computed && error <= bound, (uint64_t) K << 32 | (uint64_t) m << 16 | (uint64_t) n,
                        bits_of(got), bits_of((float) sum));
                }
            }

            ggml_backend_buffer_free(buffer);
            ggml_free(ctx);
        }
    }
    ggml_backend_free(backend);
    printf("matmul worst error: %.4f of the bound\n", worst);
    return results.done();
}

int main() {
    const bool right = check_widening() & check_round_trip() & check_narrowing() & check_matmul();
    printf("avx512-bf16 in the CPU backend: %s\n", ggml_cpu_has_avx512_bf16() ? "yes" : "no");
    return right ? 0 : 1;
}
