// Commands that the host has encoded and not yet committed.
#pragma once

#include <cstddef>
#include <vector>

#include "machine.h"

namespace emulated {

// A buffer's memory, without the padding behind it.
struct Memory {
    unsigned char * at;
    std::size_t     size;
};

// Between two barriers commands are independent, as far as the host has said: they run in the order that was asked for.
class Commands {
  public:
    void add(const Command & command) { held_.push_back(command); }
    void commit();

  private:
    std::vector<Command> held_;
};

}  // namespace emulated
