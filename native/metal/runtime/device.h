/* The device, as upstream's C sees it. */
#pragma once

#include "ggml-metal-device.h"
#include "interface.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ggml_metal_device {
    struct ggml_metal_device_props  props;
    ggml_metal_library_t            library;
    ggml_metal_rsets_t              rsets;
    struct ggml_metal_fusion_info * finfo;
};

/* device_tables.c, copied out of upstream's file */
enum ggml_metal_device_id emulated_device_id(const char * name);

#ifdef __cplusplus
}
#endif
