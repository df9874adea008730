// Where upstream's interfaces differ from pin to pin. interface.h, made of upstream's headers, says which form is here.
#pragma once

#include "device.h"
#include "ggml-metal-ops.h"
#ifdef EMULATED_OP_INIT_FUSION_INFO
#include "ggml-metal-fusion.h"
#endif

#include <cstdlib>

namespace emulated::adapter {

inline void set_place(ggml_metal_device_props & props, int device) {
    props.device = device;
#ifdef EMULATED_HAS_device_phys
    props.device_phys = 0;
#endif
#ifdef EMULATED_HAS_device_virt
    props.device_virt = device;
#endif
}

inline void set_family(ggml_metal_device_props & props, int family) {
#ifdef EMULATED_HAS_gpu_family
    props.gpu_family = family;
#endif
#ifdef EMULATED_HAS_supports_gpu_family_apple7
    props.supports_gpu_family_apple7 = family >= 7;
#endif
}

#ifdef EMULATED_OP_INIT_FUSION_INFO

inline ggml_metal_fusion_info * new_fusion() {
    const char * debug = std::getenv("GGML_METAL_FUSION_DEBUG");
    return ggml_metal_fusion_info_init(std::getenv("GGML_METAL_FUSION_DISABLE") == nullptr, debug ? std::atoi(debug) : 0);
}

inline void free_fusion(ggml_metal_fusion_info * fusion) {
    ggml_metal_fusion_info_free(fusion);
}

inline ggml_metal_op_t new_op(ggml_metal_device_t dev, ggml_metal_cmd_buf_t commands, ggml_cgraph * graph, int first, int last,
                              bool concurrent, int debug) {
    return ggml_metal_op_init(dev, commands, graph, dev->finfo, first, last, concurrent, false, debug);
}

#else

inline ggml_metal_fusion_info * new_fusion() {
    return nullptr;
}

inline void free_fusion(ggml_metal_fusion_info *) {}

inline ggml_metal_op_t new_op(ggml_metal_device_t dev, ggml_metal_cmd_buf_t commands, ggml_cgraph * graph, int first, int last,
                              bool concurrent, int debug) {
    const char * fusion = std::getenv("GGML_METAL_FUSION_DEBUG");
    return ggml_metal_op_init(dev, commands, graph, first, last, std::getenv("GGML_METAL_FUSION_DISABLE") == nullptr, concurrent,
                              false, debug, fusion ? std::atoi(fusion) : 0);
}

#endif

}  // namespace emulated::adapter
