// SPDX-License-Identifier: MIT
//
// K-quantised rows whose scales stay finite.
//
// BF16 and F32 weights reach 3.4e38; the block scales of the K-quants are F16 and end at 65504.
// One outlier weight makes a scale infinite, and the whole model is refused after minutes of work
// ("quantized data validation failed"); further out, sums of squares overflow while scales are
// searched, and Q3_K and Q6_K write the outlier as zero without a word. Here such a row is quantised
// once more with its values clamped to the F16 range, and a warning says how many were. An outlier
// that is kept is the measure of its block of 256, as any large value is: its neighbours there lose
// precision, down to zero in Q3_K and Q6_K. The warning is the hint to look at such a model.
//
// A row is redone only if
//   - a scale of it came out infinite or NaN, or
//   - it holds a value that no K-quant can represent (see LLAMAFILE_FINITE_REACH).
// All other rows keep every bit they had. NaN is never replaced: it has no nearest value, and a
// model that holds one is broken; it is refused as before. Infinities are clamped for callers of
// ggml_quantize_chunk; llama-quantize itself refuses a source file that holds them.

#pragma once

#include "ggml.h"
#include "ggml-impl.h"

#include <stdlib.h>

// the largest F16: any row within it has finite scales in every K-quant
#define LLAMAFILE_FINITE_LIMIT 65504.0f

// the furthest that any K-quant reaches: Q6_K, F16 scale * 8-bit scale * 6-bit value
#define LLAMAFILE_FINITE_REACH (65504.0f*128.0f*32.0f)

static bool llamafile_finite_applies(enum ggml_type type) {
    switch (type) {
        case GGML_TYPE_Q2_K:
        case GGML_TYPE_Q3_K:
        case GGML_TYPE_Q4_K:
        case GGML_TYPE_Q5_K:
        case GGML_TYPE_Q6_K: return true;
        default:             return false;
    }
}

// looks at the rows that were just quantised from src to dst and redoes those that need it
static void llamafile_finite_rows(
        enum ggml_type   type,
           const float * src,
                  char * dst,
               int64_t   nrows,
               int64_t   n_per_row,
           const float * imatrix) {
    if (!llamafile_finite_applies(type)) {
        return;
    }

    const size_t row_size = ggml_row_size(type, n_per_row);

    for (int64_t row = 0; row < nrows; ++row) {
        const float * values = src + row*n_per_row;

        int64_t n_out   = 0; // beyond the limit
        int64_t n_reach = 0; // beyond any K-quant
        for (int64_t i = 0; i < n_per_row; ++i) {
            n_out   += values[i] > LLAMAFILE_FINITE_LIMIT || values[i] < -LLAMAFILE_FINITE_LIMIT;
            n_reach += values[i] > LLAMAFILE_FINITE_REACH || values[i] < -LLAMAFILE_FINITE_REACH;
        }
        if (n_out == 0 || (n_reach == 0 && ggml_validate_row_data(type, dst + row*row_size, row_size))) {
            continue;
        }

        float * clamped = (float *) malloc(n_per_row*sizeof(float));
        GGML_ASSERT(clamped != NULL);
        for (int64_t i = 0; i < n_per_row; ++i) {
            clamped[i] =
                values[i] >  LLAMAFILE_FINITE_LIMIT ?  LLAMAFILE_FINITE_LIMIT :
                values[i] < -LLAMAFILE_FINITE_LIMIT ? -LLAMAFILE_FINITE_LIMIT : values[i];
        }
        // nothing is beyond the limit now, so this goes no deeper
        ggml_quantize_chunk(type, clamped, dst + row*row_size, 0, 1, n_per_row, imatrix);
        free(clamped);

        GGML_LOG_WARN("%s: %lld of %lld values clamped to +-%.0f to fit %s\n", __func__,
            (long long) n_out, (long long) n_per_row, (double) LLAMAFILE_FINITE_LIMIT, ggml_type_name(type));
    }
}
