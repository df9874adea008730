// SPDX-License-Identifier: MIT
//
// Loaded before upstream's test program (LD_PRELOAD), so that it finds the devices of an RPC server among its own: it
// has no option for one. FORKKEEPER_RPC is HOST:PORT. Without it, or with a server that cannot be reached, the program
// ends at once: it would else test the devices of this machine, and nobody would see.

#include "ggml-backend.h"
#include "ggml-rpc.h"

#include <cstdio>
#include <cstdlib>

__attribute__((constructor)) static void forkkeeper_register() {
    const char * endpoint = std::getenv("FORKKEEPER_RPC");
    if (endpoint == nullptr || *endpoint == '\0') {
        std::fprintf(stderr, "FORKKEEPER_RPC is not set: no server to test\n");
        std::exit(2);
    }
    ggml_backend_reg_t server = ggml_backend_rpc_add_server(endpoint);
    if (server == nullptr || ggml_backend_reg_dev_count(server) == 0) {
        std::fprintf(stderr, "no device behind the RPC server %s\n", endpoint);
        std::exit(2);
    }
    ggml_backend_register(server);
}
