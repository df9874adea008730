// The interface ggml-metal-device.h on the CPU, in place of upstream's Objective-C.
#include "device.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "adapter.h"
#include "commands.h"
#include "ggml-backend-impl.h"
#include "ggml-impl.h"
#include "machine.h"
#include "report.h"

using emulated::Binding;
using emulated::Command;
using emulated::Commands;
using emulated::Memory;

struct ggml_metal_cv {
    std::map<int, std::int64_t> values;
};

struct ggml_metal_pipeline {
    emulated::Pipeline made;
};

struct ggml_metal_library {
    ggml_metal_device_t    dev;
    ggml_metal_pipelines_t pipelines;
    std::mutex             lock;
};

struct ggml_metal_encoder {
    Commands * into;
    Command    next;
    bool       concurrent;
    bool       barrier = false;
};

struct ggml_metal_rsets {};

struct ggml_metal_event {};

struct ggml_metal_buffer {
    Memory memory;
    bool   is_shared;
    bool   owned;
    size_t mapped;  // bytes, with the padding
};

namespace {

// What kernels read behind a buffer, and then do not use, must be there and be zero: a NaN would spoil a sum. The page
// behind it is no one's.
constexpr std::size_t padding = 64 * 1024;

std::size_t page_size() {
    return static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::size_t memory_of_machine() {
    return static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * page_size();
}

int family() {
    const char * asked = std::getenv("FORKKEEPER_METAL_FAMILY");
    const int    given = asked ? std::atoi(asked) : 7;
    if (given < 1 || given > 10) {
        emulated::fail("FORKKEEPER_METAL_FAMILY is \"%s\": the number of an Apple GPU family, 1 to 10", asked);
    }
    return given;
}

}  // namespace

// function constants

ggml_metal_cv_t ggml_metal_cv_init(void) {
    return new ggml_metal_cv;
}

void ggml_metal_cv_free(ggml_metal_cv_t cv) {
    delete cv;
}

void ggml_metal_cv_set_int16(ggml_metal_cv_t cv, int16_t value, int32_t idx) {
    cv->values[idx] = value;
}

void ggml_metal_cv_set_int32(ggml_metal_cv_t cv, int32_t value, int32_t idx) {
    cv->values[idx] = value;
}

void ggml_metal_cv_set_bool(ggml_metal_cv_t cv, bool value, int32_t idx) {
    cv->values[idx] = value;
}

// pipelines and the library

ggml_metal_pipeline_t ggml_metal_pipeline_init(void) {
    return new ggml_metal_pipeline{};
}

void ggml_metal_pipeline_free(ggml_metal_pipeline_t pipeline) {
    delete pipeline;
}

int ggml_metal_pipeline_max_theads_per_threadgroup(ggml_metal_pipeline_with_params) {
    return static_cast<int>(emulated::most_threads);
}

ggml_metal_library_t ggml_metal_library_init(ggml_metal_device_t dev) {
    auto * library     = new ggml_metal_library;
    library->dev       = dev;
    library->pipelines = ggml_metal_pipelines_init();
    return library;
}

// Source that a program brings with it: only upstream's probe of the tensor interface, which this device does not have.
ggml_metal_library_t ggml_metal_library_init_from_source(ggml_metal_device_t, const char *, bool) {
    return nullptr;
}

void ggml_metal_library_free(ggml_metal_library_t lib) {
    if (lib) {
        ggml_metal_pipelines_free(lib->pipelines);
        delete lib;
    }
}

ggml_metal_device_t ggml_metal_library_get_device(ggml_metal_library_t lib) {
    return lib->dev;
}

ggml_metal_pipeline_with_params ggml_metal_library_get_pipeline(ggml_metal_library_t lib, const char * name) {
    const std::lock_guard<std::mutex> held(lib->lock);
    ggml_metal_pipeline_with_params   found = {};
    found.pipeline                          = ggml_metal_pipelines_get(lib->pipelines, name);
    return found;
}

ggml_metal_pipeline_with_params ggml_metal_library_compile_pipeline(ggml_metal_library_t lib, const char * base,
                                                                    const char * name, ggml_metal_cv_t cv) {
    const std::lock_guard<std::mutex> held(lib->lock);
    ggml_metal_pipeline_with_params   made = {};
    made.pipeline                          = ggml_metal_pipelines_get(lib->pipelines, name);
    if (made.pipeline) {
        return made;
    }
    const auto known = emulated::kernels().find(base);
    if (known == emulated::kernels().end()) {
        GGML_LOG_ERROR("%s: no shader has the kernel: base = '%s', name = '%s'\n", __func__, base, name);
        emulated::missing(base);
        return made;
    }
    made.pipeline              = ggml_metal_pipeline_init();
    emulated::Pipeline & built = made.pipeline->made;
    built.name                 = name;
    built.kernel               = known->second;
    for (const emulated::Constant * constant : emulated::constants_of(*known->second)) {
        const auto set = cv ? cv->values.find(constant->index) : std::map<int, std::int64_t>::iterator();
        const bool is  = cv && set != cv->values.end();
        if (!is) {
            emulated::count(emulated::Workaround::unset_constant);
        }
        built.constants.emplace_back(constant, is ? set->second : 0);
    }
    ggml_metal_pipelines_add(lib->pipelines, name, made.pipeline);
    return made;
}

// the encoder: it writes commands down, they run when their buffer is committed

ggml_metal_encoder_t ggml_metal_encoder_init(ggml_metal_cmd_buf_t cmd_buf_raw, bool concurrent) {
    auto * encoder      = new ggml_metal_encoder;
    encoder->into       = static_cast<Commands *>(cmd_buf_raw);
    encoder->concurrent = concurrent;
    return encoder;
}

void ggml_metal_encoder_free(ggml_metal_encoder_t encoder) {
    delete encoder;
}

void ggml_metal_encoder_debug_group_push(ggml_metal_encoder_t, const char *) {}

void ggml_metal_encoder_debug_group_pop(ggml_metal_encoder_t) {}

void ggml_metal_encoder_set_pipeline(ggml_metal_encoder_t encoder, ggml_metal_pipeline_with_params pipeline) {
    if (!pipeline.pipeline) {
        GGML_ABORT("%s: nil Metal pipeline (missing kernel; see compile_pipeline log above)\n", __func__);
    }
    encoder->next.pipeline = &pipeline.pipeline->made;
}

void ggml_metal_encoder_set_bytes(ggml_metal_encoder_t encoder, void * data, size_t size, int idx) {
    const auto * bytes            = static_cast<const unsigned char *>(data);
    encoder->next.bytes[idx]      = { bytes, bytes + size };
    encoder->next.buffers[idx]    = {};
}

void ggml_metal_encoder_set_buffer(ggml_metal_encoder_t encoder, ggml_metal_buffer_id buffer, int idx) {
    const auto * memory      = static_cast<const Memory *>(buffer.metal);
    encoder->next.bytes[idx] = {};
    encoder->next.buffers[idx] = memory ? Binding{ memory->at + buffer.offs, memory->size > buffer.offs ? memory->size - buffer.offs : 0 } :
                                          Binding{};
}

void ggml_metal_encoder_set_threadgroup_memory_size(ggml_metal_encoder_t encoder, size_t size, int idx) {
#ifdef EMULATED_ASSERTS_SIXTEEN
    GGML_ASSERT(size % 16 == 0);
#else
    // Metal's validation refuses it, hardware without it does not
    emulated::count(emulated::Workaround::length_not_of_sixteen, size % 16 ? 1 : 0);
#endif
    encoder->next.threadgroup[idx] = size;
}

void ggml_metal_encoder_dispatch_threadgroups(ggml_metal_encoder_t encoder, int tg0, int tg1, int tg2, int tptg0, int tptg1,
                                              int tptg2) {
    Command & next = encoder->next;
    std::size_t shared = 0;
    for (const std::size_t size : next.threadgroup) {
        shared += size;
    }
    // what Metal's own validation refuses
    if (shared > emulated::threadgroup_memory_size || std::int64_t(tptg0) * tptg1 * tptg2 > emulated::most_threads) {
        GGML_ABORT("%s: %s: %zu bytes of threadgroup memory, %d x %d x %d threads: more than the device has", __func__,
                   next.pipeline->kernel->name, shared, tptg0, tptg1, tptg2);
    }
    next.groups      = { uint32_t(tg0), uint32_t(tg1), uint32_t(tg2) };
    next.threads     = { uint32_t(tptg0), uint32_t(tptg1), uint32_t(tptg2) };
    next.barrier     = encoder->barrier || !encoder->concurrent;
    encoder->barrier = false;
    encoder->into->add(next);
}

void ggml_metal_encoder_memory_barrier(ggml_metal_encoder_t encoder) {
    encoder->barrier = true;
}

void ggml_metal_encoder_end_encoding(ggml_metal_encoder_t) {}

// residency: memory of this machine is always resident

#ifdef EMULATED_RSETS_OF_DEVICE
ggml_metal_rsets_t ggml_metal_rsets_init(ggml_metal_device_t) {
    return new ggml_metal_rsets;
}
#else
ggml_metal_rsets_t ggml_metal_rsets_init(void) {
    return new ggml_metal_rsets;
}
#endif

void ggml_metal_rsets_free(ggml_metal_rsets_t rsets) {
    delete rsets;
}

void ggml_metal_device_rsets_add(ggml_metal_device_t, ggml_metal_rset_t) {}

void ggml_metal_device_rsets_rm(ggml_metal_device_t, ggml_metal_rset_t) {}

void ggml_metal_device_rsets_keep_alive(ggml_metal_device_t) {}

// the device

static ggml_metal_device_t new_device(int device) {
    auto * dev   = new ggml_metal_device{};
    auto & props = dev->props;
    const int  apple = family();
    // as upstream's device asks Metal: bfloat from Apple6 on, what a SIMD-group does as one from Apple7 on
    emulated::adapter::set_place(props, device);
    emulated::adapter::set_family(props, apple);
    props.has_simdgroup_reduction    = apple >= 7;
    props.has_simdgroup_mm           = apple >= 7;
    props.has_bfloat                 = apple >= 6 && std::getenv("GGML_METAL_BF16_DISABLE") == nullptr;
    props.has_unified_memory         = true;
    props.has_tensor                 = false;
    props.use_residency_sets         = false;
    props.use_shared_buffers         = std::getenv("GGML_METAL_SHARED_BUFFERS_DISABLE") == nullptr;
    props.max_buffer_size            = memory_of_machine() / 2;
    props.max_working_set_size       = memory_of_machine() / 4 * 3;
    props.max_theadgroup_memory_size = emulated::threadgroup_memory_size;
#ifdef EMULATED_HAS_op_offload_min_batch_size
    const char * batch              = std::getenv("GGML_OP_OFFLOAD_MIN_BATCH");
    props.op_offload_min_batch_size = batch ? std::atoi(batch) : 32;
#endif
    const std::string name = "Apple" + std::to_string(apple) + " GPU emulated on the CPU";
#ifdef EMULATED_HAS_device_id
    props.device_id = emulated_device_id(name.c_str());
#endif
    std::snprintf(props.name, sizeof(props.name), "MTL%d", device);
    std::snprintf(props.desc, sizeof(props.desc), "%s", name.c_str());
    dev->finfo   = emulated::adapter::new_fusion();
    dev->library = ggml_metal_library_init(dev);
    GGML_LOG_INFO("%s: %s is no hardware: %s, %zu kernels from upstream's source\n", __func__, props.name, props.desc,
                  emulated::kernels().size());
    return dev;
}

#ifdef EMULATED_INIT_OF_SEVERAL
ggml_metal_device_t ggml_metal_device_init(int device, int) {
    return new_device(device);
}
#else
ggml_metal_device_t ggml_metal_device_init(int device) {
    return new_device(device);
}
#endif

void ggml_metal_device_free(ggml_metal_device_t dev) {
    emulated::adapter::free_fusion(dev->finfo);
    ggml_metal_library_free(dev->library);
    delete dev;
}

void * ggml_metal_device_get_obj(ggml_metal_device_t dev) {
    return dev;
}

void * ggml_metal_device_get_queue(ggml_metal_device_t dev) {
    return dev;
}

ggml_metal_library_t ggml_metal_device_get_library(ggml_metal_device_t dev) {
    return dev->library;
}

const ggml_metal_device_props * ggml_metal_device_get_props(ggml_metal_device_t dev) {
    return &dev->props;
}

extern "C" ggml_metal_fusion_info * ggml_metal_device_get_fusion_info(ggml_metal_device_t dev) {
    return dev->finfo;
}

void ggml_metal_device_get_memory(ggml_metal_device_t dev, size_t * free, size_t * total) {
    *total = dev->props.max_working_set_size;
    *free  = static_cast<std::size_t>(sysconf(_SC_AVPHYS_PAGES)) * page_size();
    *free  = *free < *total ? *free : *total;
}

// events: a command has ended when its commit returns, so there is nothing to wait for

void ggml_metal_event_encode_signal(ggml_metal_event_t, ggml_metal_cmd_buf_t) {}

void ggml_metal_event_encode_wait(ggml_metal_event_t, ggml_metal_cmd_buf_t) {}

ggml_metal_event_t ggml_metal_device_event_init(ggml_metal_device_t) {
    return new ggml_metal_event;
}

void ggml_metal_device_event_free(ggml_metal_device_t, ggml_metal_event_t ev) {
    delete ev;
}

void ggml_metal_device_event_synchronize(ggml_metal_device_t, ggml_metal_event_t) {}

// buffers

ggml_metal_buffer_t ggml_metal_buffer_init(ggml_metal_device_t dev, size_t size, bool shared) {
    const std::size_t page    = page_size();
    const std::size_t aligned = (size + page - 1) / page * page;
    const std::size_t mapped  = aligned + padding + page;
    void * at = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) {
        GGML_LOG_ERROR("%s: error: failed to allocate buffer, size = %8.2f MiB\n", __func__, double(aligned) / 1024 / 1024);
        return nullptr;
    }
    auto * bytes = static_cast<unsigned char *>(at);
    mprotect(bytes + aligned + padding, page, PROT_NONE);
    auto * buffer     = new ggml_metal_buffer;
    buffer->memory    = { bytes, size };
    buffer->is_shared = shared && dev->props.use_shared_buffers;
    buffer->owned     = true;
    buffer->mapped    = mapped;
    return buffer;
}

ggml_metal_buffer_t ggml_metal_buffer_map(ggml_metal_device_t, void * ptr, size_t size, size_t) {
    auto * buffer     = new ggml_metal_buffer;
    buffer->memory    = { static_cast<unsigned char *>(ptr), size };
    buffer->is_shared = true;
    buffer->owned     = false;
    buffer->mapped    = 0;
    return buffer;
}

void ggml_metal_buffer_free(ggml_metal_buffer_t buf) {
    if (buf->owned) {
        munmap(buf->memory.at, buf->mapped);
    }
    delete buf;
}

void * ggml_metal_buffer_get_base(ggml_metal_buffer_t buf) {
    return buf->memory.at;
}

bool ggml_metal_buffer_is_shared(ggml_metal_buffer_t buf) {
    return buf->is_shared;
}

void ggml_metal_buffer_memset_tensor(ggml_metal_buffer_t, ggml_tensor * tensor, uint8_t value, size_t offset, size_t size) {
    std::memset(static_cast<char *>(tensor->data) + offset, value, size);
}

void ggml_metal_buffer_set_tensor(ggml_metal_buffer_t, ggml_tensor * tensor, const void * data, size_t offset, size_t size) {
    std::memcpy(static_cast<char *>(tensor->data) + offset, data, size);
}

void ggml_metal_buffer_get_tensor(ggml_metal_buffer_t, const ggml_tensor * tensor, void * data, size_t offset, size_t size) {
    std::memcpy(data, static_cast<const char *>(tensor->data) + offset, size);
}

bool ggml_metal_buffer_cpy_tensor(ggml_metal_buffer_t, const ggml_tensor * src, ggml_tensor * dst) {
    std::memcpy(dst->data, src->data, ggml_nbytes(src));
    return true;
}

void ggml_metal_buffer_clear(ggml_metal_buffer_t buf, uint8_t value) {
    std::memset(buf->memory.at, value, buf->memory.size);
}

ggml_metal_buffer_id ggml_metal_buffer_get_id(ggml_metal_buffer_t buf, const ggml_tensor * t) {
    const auto offset = static_cast<const unsigned char *>(t->data) - buf->memory.at;
    if (offset < 0 || static_cast<std::size_t>(offset) + ggml_nbytes(t) > buf->memory.size) {
        GGML_LOG_ERROR("%s: error: tensor '%s' buffer is nil\n", __func__, t->name);
        return { nullptr, 0 };
    }
    return { &buf->memory, static_cast<size_t>(offset) };
}
