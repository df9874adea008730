// What hardware does not tell: barriers that not all threads reach, writes past a group's memory; and, where the kernels
// were compiled with accesses announced (CHECKED), every access: its bounds, whether what it reads was ever written, and
// races between threads of a group.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../shader/invocation.h"

namespace emulated {

struct Command;

// Who last touched a byte. An epoch is the time between two barriers of one group.
struct Trace {
    std::uint32_t write_epoch = 0, read_epoch = 0;
    std::uint32_t write_meets = 0;  // meetings of the writer's SIMD-group until then
    std::uint16_t writer = 0, reader = 0;
    bool          many = false;     // read by more than one SIMD-group in that epoch
};

// The device memory that one group touched, by blocks of eight bytes.
class Touched {
  public:
    Trace & of(std::uintptr_t address, std::uint32_t since);

  private:
    struct Block {
        std::uintptr_t key   = 0;
        std::uint32_t  since = 0;
        Trace          bytes[8];
    };
    void grow();

    std::vector<Block> blocks_ = std::vector<Block>(1 << 12);
    std::size_t        used_   = 0;
    std::uint32_t      since_  = 0;
};

bool is_of_library(const void * address);

// A write over what another SIMD-group wrote or read since the last barrier. It is a race only if the value changes, which
// is known when the next access is announced.
struct Overwrite {
    const unsigned char * at   = nullptr;
    std::size_t           size = 0;  // of what is kept; 0: none waits
    unsigned char         before[64];
    const void *          from;      // in the code
    unsigned              thread, other;
    bool                  other_wrote;
};

// A piece of a group's memory. index -- of the one that the host asked for; -1: a kernel declares it
struct Piece {
    unsigned char * at;
    std::size_t     size;
    int             index;

    unsigned char * behind() const { return at + size; }
};

// All of one kind of a group's memory, and who last touched each byte of it.
struct Area {
    const unsigned char * from = nullptr;
    std::vector<Trace>    traces;

    bool    has(const unsigned char * at) const { return at >= from && at < from + traces.size(); }
    Trace & of(const unsigned char * at) { return traces[static_cast<std::size_t>(at - from)]; }
};

class Checks {
  public:
    void begin_command(const Command & command, unsigned char * const * threadgroup, unsigned char * declared);
    void begin_group(Position group);
    void end_group();
    void end_command();
    void barrier() { epoch_++; }
    void met(unsigned simd) { meets_[simd]++; }
    void divergent_barrier(const Command & command, Site site, Position group, bool done);
    void access(const void * address, std::size_t size, bool write, const void * at, unsigned thread);

  private:
    void look(const void * address, std::size_t size, bool write, const void * at, unsigned thread);
    void overwritten(unsigned other, bool other_wrote);
    void settle();
    void touch(Trace & trace, bool write, const void * at, unsigned thread, const void * address, bool shared);
    void tell(const char * kind, const void * at, unsigned thread, const std::string & text);
    std::string place(const void * address) const;
    void written_behind(const Piece & piece, const std::string & who);

    const Command *    command_ = nullptr;
    std::vector<Piece> pieces_;        // those that the host asked for come first
    std::size_t        asked_   = 0;   // number of those
    std::size_t        guarded_ = 0;   // number of those that kernels declare and that have their pattern
    Position           group_   = {};
    std::uint32_t      epoch_ = 1, first_epoch_ = 1;
    std::uint32_t      meets_[1024 / lanes_of_simdgroup] = {};
    Area               areas_[2];      // asked for, declared
    Touched            touched_;
    Overwrite          overwrite_;
    bool               overwrites_ = false;  // the access that is looked at
};

}  // namespace emulated
