// What clang calls where kernels are compiled with every access announced (CHECKED): the interface of its thread
// sanitizer. That one's own library would take fibers for one thread.
#include <link.h>

#include <cstring>
#include <utility>

#include "core.h"
#include "report.h"

namespace emulated {

bool is_of_library(const void * address) {
    static const auto range = [] {
        std::pair<std::uintptr_t, std::uintptr_t> found{ 0, 0 };
        dl_iterate_phdr(
            [](dl_phdr_info * info, size_t, void * into) {
                std::uintptr_t low = ~std::uintptr_t(0), high = 0;
                for (int index = 0; index < info->dlpi_phnum; index++) {
                    if (info->dlpi_phdr[index].p_type == PT_LOAD) {
                        const std::uintptr_t from = info->dlpi_addr + info->dlpi_phdr[index].p_vaddr;
                        low                       = from < low ? from : low;
                        high                      = from + info->dlpi_phdr[index].p_memsz > high ? from + info->dlpi_phdr[index].p_memsz : high;
                    }
                }
                const auto here = reinterpret_cast<std::uintptr_t>(&is_of_library);
                if (here < low || here >= high) {
                    return 0;
                }
                *static_cast<std::pair<std::uintptr_t, std::uintptr_t> *>(into) = { low, high };
                return 1;
            },
            &found);
        return found;
    }();
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    return at >= range.first && at < range.second;
}

namespace {
inline void announced(const void * address, std::size_t size, bool write, const void * at) {
    Core *     c      = core;
    const auto within = [address](const void * from, std::size_t of) {
        return address >= from && address < static_cast<const char *>(from) + of;
    };
    if (!c || !c->command || within(c->fiber().top - (stack_size - above_stack), stack_size - above_stack)) {
        return;  // the thread's own: its stack and no byte more, as memory of the group may lie right beside it
    }
    if (within(c, sizeof(Core)) || within(c->groups.data(), c->groups.size() * sizeof(Simd)) ||
        within(c->fibers.data(), c->fibers.size() * sizeof(Fiber)) || within(&emulated_running, sizeof(Running))) {
        return;  // the machine's own: positions, loops, and what lanes hand to each other
    }
    c->checks.access(address, size, write, at, c->thread());
}
}  // namespace

}  // namespace emulated

extern "C" {
#define EMULATED_ACCESS(size)                                                                                            \
    void __tsan_read##size(void * at) { emulated::announced(at, size, false, __builtin_return_address(0)); }              \
    void __tsan_write##size(void * at) { emulated::announced(at, size, true, __builtin_return_address(0)); }              \
    void __tsan_unaligned_read##size(void * at) { emulated::announced(at, size, false, __builtin_return_address(0)); }    \
    void __tsan_unaligned_write##size(void * at) { emulated::announced(at, size, true, __builtin_return_address(0)); }    \
    void __tsan_read_write##size(void * at) {                                                                            \
        emulated::announced(at, size, false, __builtin_return_address(0));                                               \
        emulated::announced(at, size, true, __builtin_return_address(0));                                                \
    }                                                                                                                    \
    void __tsan_unaligned_read_write##size(void * at) {                                                                  \
        emulated::announced(at, size, false, __builtin_return_address(0));                                               \
        emulated::announced(at, size, true, __builtin_return_address(0));                                                \
    }
EMULATED_ACCESS(1)
EMULATED_ACCESS(2)
EMULATED_ACCESS(4)
EMULATED_ACCESS(8)
EMULATED_ACCESS(16)
void __tsan_init() { emulated::checked_build(); }
void __tsan_func_entry(void *) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void **, void *) {}
void __tsan_vptr_read(void **) {}
void * __tsan_memcpy(void * to, const void * from, std::size_t size) {
    emulated::announced(from, size, false, __builtin_return_address(0));
    emulated::announced(to, size, true, __builtin_return_address(0));
    return std::memcpy(to, from, size);
}
void * __tsan_memmove(void * to, const void * from, std::size_t size) {
    emulated::announced(from, size, false, __builtin_return_address(0));
    emulated::announced(to, size, true, __builtin_return_address(0));
    return std::memmove(to, from, size);
}
void * __tsan_memset(void * to, int value, std::size_t size) {
    emulated::announced(to, size, true, __builtin_return_address(0));
    return std::memset(to, value, size);
}
}
