// The interface ggml-metal-context.h on the CPU, in place of upstream's Objective-C.
#include "ggml-metal-context.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "adapter.h"
#include "commands.h"
#include "ggml-backend-impl.h"
#include "ggml-impl.h"
#include "ggml-metal-common.h"

using emulated::Commands;

struct ggml_metal {
    ggml_metal_device_t dev;
    ggml_metal_event_t  ev_cpy;
    int                 n_cb = 1;
    int                 debug_graph;
    bool                concurrent;
    bool                optimize;
    ggml_abort_callback abort_callback      = nullptr;
    void *              abort_callback_data = nullptr;
};

void Commands::commit() {
    std::size_t from = 0;
    while (from < held_.size()) {
        std::size_t to = from + 1;
        while (to < held_.size() && !held_[to].barrier) {
            to++;
        }
        const std::size_t count = to - from;
        for (std::size_t number = 0; number < count; number++) {
            const bool reversed = emulated::order() == emulated::Order::reverse;
            const bool rotated  = emulated::order() == emulated::Order::rotate;
            const std::size_t index = reversed ? count - 1 - number : rotated ? (number + count / 2) % count : number;
            emulated::run(held_[from + index]);
        }
        from = to;
    }
    held_.clear();
}

ggml_metal_t ggml_metal_init(ggml_metal_device_t dev) {
    auto * ctx       = new ggml_metal;
    ctx->dev         = dev;
    ctx->ev_cpy      = ggml_metal_device_event_init(dev);
    const char * val = std::getenv("GGML_METAL_GRAPH_DEBUG");
    ctx->debug_graph = val ? std::atoi(val) : 0;
    ctx->concurrent  = std::getenv("GGML_METAL_CONCURRENCY_DISABLE") == nullptr;
    ctx->optimize    = std::getenv("GGML_METAL_GRAPH_OPTIMIZE_DISABLE") == nullptr;
    return ctx;
}

void ggml_metal_free(ggml_metal_t ctx) {
    ggml_metal_device_event_free(ctx->dev, ctx->ev_cpy);
    delete ctx;
}

const char * ggml_metal_get_name(ggml_metal_t ctx) {
    return ctx->dev->props.name;
}

void ggml_metal_synchronize(ggml_metal_t) {}

void ggml_metal_set_tensor_async(ggml_metal_t, ggml_tensor * tensor, const void * data, size_t offset, size_t size) {
    std::memcpy(static_cast<char *>(tensor->data) + offset, data, size);
}

void ggml_metal_get_tensor_async(ggml_metal_t, const ggml_tensor * tensor, void * data, size_t offset, size_t size) {
    std::memcpy(data, static_cast<const char *>(tensor->data) + offset, size);
}

bool ggml_metal_cpy_tensor_async(ggml_metal_t, ggml_metal_t, const ggml_tensor * src, ggml_tensor * dst) {
    std::memcpy(dst->data, src->data, ggml_nbytes(src));
    return true;
}

static void encode(ggml_metal_t ctx, ggml_cgraph * gf, int first, int last) {
    if (first >= last) {
        return;
    }
    Commands        commands;
    ggml_metal_op_t op = emulated::adapter::new_op(ctx->dev, &commands, gf, first, last, ctx->concurrent, ctx->debug_graph);
    for (int idx = 0; idx < ggml_metal_op_n_nodes(op); ++idx) {
        const int encoded = ggml_metal_op_encode(op, idx);
        if (encoded == 0) {
            break;
        }
        idx += encoded - 1;
    }
    ggml_metal_op_free(op);
    commands.commit();
}

// As upstream divides a graph: its first nodes, then the rest in as many command buffers as there are threads to encode.
ggml_status ggml_metal_graph_compute(ggml_metal_t ctx, ggml_cgraph * gf) {
    const int first  = ctx->n_cb == 0 ? gf->n_nodes : std::min(std::max(64, int(0.1 * gf->n_nodes)), gf->n_nodes);
    const int rest   = gf->n_nodes - first;
    const int of_one = ctx->n_cb == 0 ? 0 : (rest + ctx->n_cb - 1) / ctx->n_cb;
    encode(ctx, gf, 0, first);
    for (int index = 0; index < ctx->n_cb; index++) {
        if (index >= 2 && ctx->abort_callback && ctx->abort_callback(ctx->abort_callback_data)) {
            return GGML_STATUS_ABORTED;
        }
        encode(ctx, gf, first + std::min(index * of_one, rest), first + std::min((index + 1) * of_one, rest));
    }
    return GGML_STATUS_SUCCESS;
}

void ggml_metal_graph_optimize(ggml_metal_t ctx, ggml_cgraph * gf) {
    if (ctx->optimize) {
        ggml_graph_optimize(gf);
    }
}

void ggml_metal_event_record(ggml_metal_t, ggml_metal_event_t) {}

void ggml_metal_event_wait(ggml_metal_t, ggml_metal_event_t) {}

ggml_metal_event_t ggml_metal_get_ev_cpy(ggml_metal_t ctx) {
    return ctx->ev_cpy;
}

void ggml_metal_set_n_cb(ggml_metal_t ctx, int n_cb) {
    ctx->n_cb = std::clamp(n_cb, 0, 8);
}

void ggml_metal_set_abort_callback(ggml_metal_t ctx, ggml_abort_callback abort_callback, void * user_data) {
    ctx->abort_callback      = abort_callback;
    ctx->abort_callback_data = user_data;
}

bool ggml_metal_supports_family(ggml_metal_t ctx, int family) {
#ifdef EMULATED_HAS_gpu_family
    return family <= ctx->dev->props.gpu_family;
#else
    return family <= (ctx->dev->props.has_simdgroup_mm ? 7 : 6);
#endif
}

void ggml_metal_capture_next_compute(ggml_metal_t) {}
