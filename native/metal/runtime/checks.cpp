#include "checks.h"

#include <cstring>
#include <string>

#include "machine.h"
#include "report.h"

namespace emulated {

namespace {

constexpr unsigned char pattern = 0xa7;

std::string text_of(Position at) {
    return "(" + std::to_string(at.x) + ", " + std::to_string(at.y) + ", " + std::to_string(at.z) + ")";
}

std::string text_of(Site site) {
    return std::string(site.file) + ":" + std::to_string(site.line);
}

}  // namespace

// A table of its own generation per group: what an earlier group touched counts as empty.
Trace & Touched::of(std::uintptr_t address, std::uint32_t since) {
    if (since != since_) {
        since_ = since;
        used_  = 0;
    }
    const std::uintptr_t key = address >> 3;
    for (;;) {
        std::size_t index = (key * 0x9e3779b97f4a7c15ull) >> 20;
        for (;; index++) {
            Block & block = blocks_[index & (blocks_.size() - 1)];
            if (block.since != since) {
                if (used_ * 2 > blocks_.size()) {
                    break;
                }
                block.key   = key;
                block.since = since;
                for (Trace & trace : block.bytes) {
                    trace = Trace();
                }
                used_++;
                return block.bytes[address & 7];
            }
            if (block.key == key) {
                return block.bytes[address & 7];
            }
        }
        grow();
    }
}

void Touched::grow() {
    std::vector<Block> before(blocks_.size() * 2);
    before.swap(blocks_);
    for (const Block & block : before) {
        if (block.since != since_) {
            continue;
        }
        std::size_t index = (block.key * 0x9e3779b97f4a7c15ull) >> 20;
        while (blocks_[index & (blocks_.size() - 1)].since == since_) {
            index++;
        }
        blocks_[index & (blocks_.size() - 1)] = block;
    }
}

void Checks::guard(unsigned char * from) {
    std::memset(from, pattern, threadgroup_slack);
}

void Checks::unguard(const Command & command, unsigned index, const unsigned char * from) {
    std::size_t last = 0;
    for (std::size_t at = 0; at < threadgroup_slack; at++) {
        last = from[at] != pattern ? at + 1 : last;
    }
    if (last) {
        const Registration & kernel = *command.pipeline->kernel;
        fault("write past threadgroup memory", kernel.name, text_of(Site{ kernel.file, kernel.line }), nullptr,
              "group " + text_of(group_) + " wrote up to " + std::to_string(last) + " bytes behind threadgroup(" +
                  std::to_string(index) + "), which has " + std::to_string(command.threadgroup[index]));
    }
}

void Checks::begin_command(const Command & command, unsigned char * const * threadgroup, unsigned char * fixed,
                           std::size_t reserved) {
    command_     = &command;
    threadgroup_ = threadgroup;
    fixed_       = fixed;
    reserved_    = reserved;
    for (unsigned index = 0; index < most_threadgroup_memory; index++) {
        if (command.threadgroup[index]) {
            guard(threadgroup[index] + command.threadgroup[index]);
        }
    }
#ifdef CHECKED
    shared_.resize(threadgroup_memory_size * 4);
#endif
}

void Checks::begin_group(const Command &, Position group) {
    group_       = group;
    first_epoch_ = ++epoch_;
}

void Checks::end_group(const Command & command) {
    settle();
    for (unsigned index = 0; index < most_threadgroup_memory; index++) {
        unsigned char * behind = threadgroup_[index] + command.threadgroup[index];
        // eight bytes at each end tell the most, cheaply; all of them are looked at once per command
        if (command.threadgroup[index] && (behind[0] != pattern || behind[threadgroup_slack - 1] != pattern)) {
            unguard(command, index, behind);
            guard(behind);
        }
    }
}

void Checks::end_command() {
    for (unsigned index = 0; index < most_threadgroup_memory; index++) {
        if (command_->threadgroup[index]) {
            unguard(*command_, index, threadgroup_[index] + command_->threadgroup[index]);
        }
    }
}

void Checks::divergent_barrier(const Command & command, Site site, Position group, bool done) {
    fault("barrier not reached by all threads", command.pipeline->kernel->name, text_of(site), nullptr,
          "group " + text_of(group) + ": " +
              (done ? "some of its threads had ended" : "others of its threads waited at another barrier"));
}

std::string Checks::place(const void * address) const {
    const unsigned char * at = static_cast<const unsigned char *>(address);
    for (unsigned index = 0; index < most_threadgroup_memory; index++) {
        const std::size_t size = command_->threadgroup[index];
        if (size && at >= threadgroup_[index] && at < threadgroup_[index] + size + threadgroup_slack) {
            return "byte " + std::to_string(at - threadgroup_[index]) + " of threadgroup(" + std::to_string(index) + "), which has " +
                   std::to_string(size);
        }
    }
    if (at >= fixed_ && at < fixed_ + reserved_) {
        return "memory that the kernel declares for its group";
    }
    for (unsigned index = 0; index < most_buffers; index++) {
        const Binding & bound = command_->buffers[index];
        if (bound.size && at >= bound.at && at < bound.at + bound.size) {
            return "byte " + std::to_string(at - bound.at) + " of buffer(" + std::to_string(index) + ")";
        }
    }
    return "an address outside of every buffer";
}

void Checks::tell(const char * kind, const void * at, unsigned thread, const std::string & text) {
    fault(kind, command_->pipeline->kernel->name, "", at,
          "group " + text_of(group_) + ", thread " + std::to_string(thread) + ": " + text);
}

void Checks::touch(Trace & trace, bool write, const void * at, unsigned thread, const void * address, bool shared) {
    const unsigned simd  = thread / lanes_of_simdgroup;
    const bool     wrote = trace.write_epoch == epoch_ && trace.writer != thread;
    const bool     read  = trace.read_epoch == epoch_ && (trace.many || trace.reader / lanes_of_simdgroup != simd);
    if (wrote && trace.writer / lanes_of_simdgroup != simd) {
        if (write) {
            overwritten(trace.writer, true);
        } else {
            tell("race", at, thread,
                 "reads " + place(address) + ", which thread " + std::to_string(trace.writer) + " wrote with no barrier in between");
        }
    } else if (wrote && trace.write_meets == meets_[simd]) {
        count(Workaround::lanes_in_step);
    }
    if (write) {
        if (read) {
            overwritten(trace.reader, false);
        }
        trace.write_epoch = epoch_;
        trace.write_meets = meets_[simd];
        trace.writer      = static_cast<std::uint16_t>(thread);
        return;
    }
    if (shared && trace.write_epoch < first_epoch_) {
        tell("read of threadgroup memory that was not written", at, thread, place(address));
    }
    trace.many       = read;
    trace.read_epoch = epoch_;
    trace.reader     = static_cast<std::uint16_t>(thread);
}

void Checks::overwritten(unsigned other, bool other_wrote) {
    if (!overwrites_) {
        overwrites_             = true;
        overwrite_.other        = other;
        overwrite_.other_wrote  = other_wrote;
    }
}

void Checks::settle() {
    const std::size_t size = overwrite_.size;
    if (size == 0) {
        return;
    }
    overwrite_.size = 0;
    if (std::memcmp(overwrite_.at, overwrite_.before, size) == 0) {
        count(Workaround::value_written_again);
        return;
    }
    tell("race", overwrite_.from, overwrite_.thread,
         "writes " + place(overwrite_.at) + ", which thread " + std::to_string(overwrite_.other) +
             (overwrite_.other_wrote ? " wrote" : " read") + " with no barrier in between");
}

void Checks::access(const void * address, std::size_t size, bool write, const void * at, unsigned thread) {
    settle();
    overwrites_ = false;
    look(address, size, write, at, thread);
    if (overwrites_) {
        overwrite_.at     = static_cast<const unsigned char *>(address);
        overwrite_.size   = size < sizeof overwrite_.before ? size : sizeof overwrite_.before;
        overwrite_.from   = at;
        overwrite_.thread = thread;
        std::memcpy(overwrite_.before, address, overwrite_.size);
    }
}

void Checks::look(const void * address, std::size_t size, bool write, const void * at, unsigned thread) {
    const unsigned char * from = static_cast<const unsigned char *>(address);
    const unsigned char * shared = threadgroup_[0];
    if (from >= shared && from < shared + shared_.size()) {
        bool within = false;
        for (unsigned index = 0; index < most_threadgroup_memory; index++) {
            within |= from >= threadgroup_[index] && from + size <= threadgroup_[index] + command_->threadgroup[index];
        }
        if (!within) {
            tell(write ? "write past threadgroup memory" : "read past threadgroup memory", at, thread, place(address));
            return;
        }
        for (std::size_t byte = 0; byte < size; byte++) {
            touch(shared_[static_cast<std::size_t>(from - shared) + byte], write, at, thread, from + byte, true);
        }
        return;
    }
    if (from >= fixed_ && from < fixed_ + (1 << 20)) {
        if (fixed_traces_.size() < reserved_ + 4096) {
            fixed_traces_.resize(1 << 20);
        }
        for (std::size_t byte = 0; byte < size; byte++) {
            touch(fixed_traces_[static_cast<std::size_t>(from - fixed_) + byte], write, at, thread, from + byte, true);
        }
        return;
    }
    for (unsigned index = 0; index < most_buffers; index++) {
        const Binding & bound = command_->buffers[index];
        if (bound.size && from >= bound.at && from < bound.at + bound.size) {
            if (from + size > bound.at + bound.size) {
                tell(write ? "write past a buffer" : "read past a buffer", at, thread, place(address));
                return;
            }
            for (std::size_t byte = 0; byte < size; byte++) {
                touch(touched_.of(reinterpret_cast<std::uintptr_t>(from) + byte, first_epoch_), write, at, thread, from + byte, false);
            }
            return;
        }
        const std::vector<unsigned char> & bytes = command_->bytes[index];
        if (!bytes.empty() && from >= bytes.data() && from < bytes.data() + bytes.size()) {
            if (write || from + size > bytes.data() + bytes.size()) {
                tell(write ? "write to constant memory" : "read past a buffer", at, thread, place(address));
            }
            return;
        }
    }
#ifdef CHECKED
    if (is_of_library(address)) {
        return;  // tables and function constants
    }
#endif
    tell(write ? "write past a buffer" : "read past a buffer", at, thread, place(address));
}

}  // namespace emulated
