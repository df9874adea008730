#include "checks.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "machine.h"
#include "report.h"

namespace emulated {

namespace {

constexpr unsigned char pattern = 0xa7;

void guard(const Piece & piece) {
    std::memset(piece.behind(), pattern, threadgroup_slack);
}

// Number of bytes behind a piece of memory up to the last that was written.
std::size_t written(const Piece & piece) {
    const unsigned char * const behind = piece.behind();
    if (behind[0] == pattern && std::memcmp(behind, behind + 1, threadgroup_slack - 1) == 0) {
        return 0;
    }
    std::size_t last = threadgroup_slack;
    while (behind[last - 1] == pattern) {
        last--;
    }
    return last;
}

std::string text_of(Position at) {
    return "(" + std::to_string(at.x) + ", " + std::to_string(at.y) + ", " + std::to_string(at.z) + ")";
}

std::string text_of(Site site) {
    return std::string(site.file) + ":" + std::to_string(site.line);
}

std::string text_of(const Piece & piece) {
    return (piece.index < 0 ? "memory that the kernel declares" : "threadgroup(" + std::to_string(piece.index) + ")") +
           ", which has " + std::to_string(piece.size);
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

void Checks::written_behind(const Piece & piece, const std::string & who) {
    const std::size_t bytes = written(piece);
    if (bytes == 0) {
        return;
    }
    const Registration & kernel = *command_->pipeline->kernel;
    fault("write past threadgroup memory", kernel.name, text_of(Site{ kernel.file, kernel.line }), nullptr,
          who + " wrote up to " + std::to_string(bytes) + " bytes behind " + text_of(piece));
    guard(piece);
}

void Checks::begin_command(const Command & command, unsigned char * const * threadgroup, unsigned char * declared) {
    command_ = &command;
    pieces_.clear();
    for (unsigned index = 0; index < most_threadgroup_memory; index++) {
        if (command.threadgroup[index]) {
            pieces_.push_back({ threadgroup[index], command.threadgroup[index], static_cast<int>(index) });
            guard(pieces_.back());
        }
    }
    asked_ = pieces_.size();
    for (const Reserved & each : declared_memory()) {
        pieces_.push_back({ declared + each.at, each.size, -1 });
        if (pieces_.size() - asked_ > guarded_) {
            guard(pieces_.back());
            guarded_++;
        }
    }
#ifdef CHECKED
    areas_[0].from = threadgroup[0];
    areas_[0].traces.resize(asked_memory_size);
    areas_[1].from = declared;
    areas_[1].traces.resize(declared_memory_size);
#endif
}

void Checks::begin_group(Position group) {
    group_       = group;
    first_epoch_ = ++epoch_;
}

void Checks::end_group() {
    settle();
    for (std::size_t index = 0; index < asked_; index++) {
        // a byte at each end tells the group, cheaply; all of them are looked at when the command ends
        const unsigned char * behind = pieces_[index].behind();
        if (behind[0] != pattern || behind[threadgroup_slack - 1] != pattern) {
            written_behind(pieces_[index], "group " + text_of(group_));
        }
    }
}

void Checks::end_command() {
    for (const Piece & piece : pieces_) {
        written_behind(piece, "one of its groups");
    }
}

void Checks::divergent_barrier(const Command & command, Site site, Position group, bool done) {
    fault("barrier not reached by all threads", command.pipeline->kernel->name, text_of(site), nullptr,
          "group " + text_of(group) + ": " +
              (done ? "some of its threads had ended" : "others of its threads waited at another barrier"));
}

std::string Checks::place(const void * address) const {
    const unsigned char * at = static_cast<const unsigned char *>(address);
    for (const Piece & piece : pieces_) {
        if (at >= piece.at && at < piece.behind() + threadgroup_slack) {
            return "byte " + std::to_string(at - piece.at) + " of " + text_of(piece);
        }
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
    for (Area & area : areas_) {
        if (!area.has(from)) {
            continue;
        }
        const bool within = std::any_of(pieces_.begin(), pieces_.end(), [from, size](const Piece & piece) {
            return from >= piece.at && from + size <= piece.behind();
        });
        if (!within) {
            tell(write ? "write past threadgroup memory" : "read past threadgroup memory", at, thread, place(address));
            return;
        }
        for (std::size_t byte = 0; byte < size; byte++) {
            touch(area.of(from + byte), write, at, thread, from + byte, true);
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
