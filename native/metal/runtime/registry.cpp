// What the shaders say of themselves as the library is loaded: kernels, function constants, memory that they declare.
#include <cstring>

#include "machine.h"
#include "report.h"

namespace emulated {

namespace {

std::map<std::string, const Registration *> & registered_kernels() {
    static std::map<std::string, const Registration *> held;
    return held;
}

std::vector<const Constant *> & registered_constants() {
    static std::vector<const Constant *> held;
    return held;
}

std::vector<Reserved> & registered_memory() {
    static std::vector<Reserved> held;
    return held;
}

}  // namespace

extern "C" {

void emulated_register_kernel(const Registration * kernel) {
    if (!registered_kernels().emplace(kernel->name, kernel).second) {
        fail("two kernels of the same name: %s", kernel->name);
    }
}

void emulated_register_constant(const Constant * constant) {
    registered_constants().push_back(constant);
}

size_t emulated_reserve(size_t size, size_t alignment) {
    const std::vector<Reserved> & held   = registered_memory();
    const std::size_t             behind = held.empty() ? 0 : held.back().at + held.back().size + threadgroup_slack;
    const std::size_t             at     = (behind + alignment - 1) / alignment * alignment;
    if (at + size + threadgroup_slack > declared_memory_size) {
        fail("kernels declare more threadgroup memory than native/metal/runtime/machine.h has room for");
    }
    registered_memory().push_back({ at, size });
    return at;
}

}  // extern "C"

const std::map<std::string, const Registration *> & kernels() {
    return registered_kernels();
}

const std::vector<Reserved> & declared_memory() {
    return registered_memory();
}

std::vector<const Constant *> constants_of(const Registration & kernel) {
    std::vector<const Constant *> found;
    for (const void * const * at = kernel.constants; *at; at++) {
        for (const Constant * each : registered_constants()) {
            if (each->at == *at) {
                found.push_back(each);
            }
        }
    }
    return found;
}

}  // namespace emulated
