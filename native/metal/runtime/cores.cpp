// Hands the groups of a command out to the cores of this machine.
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>

#include "core.h"
#include "report.h"

namespace emulated {

namespace {

std::size_t number_of(const Command & command) {
    return std::size_t(command.groups.x) * command.groups.y * command.groups.z;
}

// Groups in the order that was asked for.
Position group_at(const Command & command, std::size_t number) {
    const std::size_t count = number_of(command);
    if (order() == Order::reverse) {
        number = count - 1 - number;
    }
    if (order() == Order::rotate) {
        number = (number + count / 2) % count;
    }
    const std::size_t x = command.groups.x, y = command.groups.y;
    return { uint32_t(number % x), uint32_t(number / x % y), uint32_t(number / (x * y)) };
}

// The cores of this machine. They sleep between commands.
class Cores {
  public:
    Cores() {
        const char *   asked = std::getenv("FORKKEEPER_METAL_THREADS");
        const unsigned here  = std::thread::hardware_concurrency();
        const int      count = asked ? std::atoi(asked) : static_cast<int>(here ? here : 1);
        cores_.resize(static_cast<std::size_t>(count < 1 ? 1 : count));
        for (Core *& each : cores_) {
            each = new Core;
        }
        for (std::size_t index = 1; index < cores_.size(); index++) {
            std::thread([this, index] { serve(*cores_[index]); }).detach();
        }
    }

    void run(const Command & command) {
        const std::size_t count = number_of(command);
        next_.store(0);
        if (count < 2 || cores_.size() < 2) {
            work(*cores_[0], command);
            return;
        }
        {
            const std::lock_guard<std::mutex> held(mutex_);
            command_ = &command;
            busy_    = cores_.size() - 1;
            round_++;
        }
        begin_.notify_all();
        work(*cores_[0], command);
        std::unique_lock<std::mutex> held(mutex_);
        finished_.wait(held, [this] { return busy_ == 0; });
    }

  private:
    void serve(Core & c) {
        unsigned seen = 0;
        for (;;) {
            const Command * command;
            {
                std::unique_lock<std::mutex> held(mutex_);
                begin_.wait(held, [this, seen] { return round_ != seen; });
                seen    = round_;
                command = command_;
            }
            work(c, *command);
            const std::lock_guard<std::mutex> held(mutex_);
            if (--busy_ == 0) {
                finished_.notify_one();
            }
        }
    }

    void work(Core & c, const Command & command) {
        prepare(c, command);
        const std::size_t count = number_of(command);
        for (std::size_t number = next_++; number < count; number = next_++) {
            run_group(c, group_at(command, number));
        }
        c.checks.end_command();
    }

    std::vector<Core *>      cores_;
    std::mutex               mutex_;
    std::condition_variable  begin_, finished_;
    const Command *          command_ = nullptr;
    std::size_t              busy_    = 0;
    unsigned                 round_   = 0;
    std::atomic<std::size_t> next_{ 0 };
};

}  // namespace

Order order() {
    static const Order asked = [] {
        const char *      value = std::getenv("FORKKEEPER_METAL_ORDER");
        const std::string text  = value ? value : "forward";
        if (text == "reverse") {
            return Order::reverse;
        }
        if (text == "rotate") {
            return Order::rotate;
        }
        if (text != "forward") {
            fail("FORKKEEPER_METAL_ORDER is \"%s\": forward, reverse or rotate", value);
        }
        return Order::forward;
    }();
    return asked;
}

void run(const Command & command) {
    static std::mutex                 one_at_a_time;
    const std::lock_guard<std::mutex> held(one_at_a_time);
    static Cores &                    cores = *new Cores;
    const std::uint64_t threads = std::uint64_t(command.threads.x) * command.threads.y * command.threads.z;
    if (number_of(command) == 0 || threads == 0) {
        return;
    }
    if (threads > most_threads) {
        fail("%s: %llu threads in a group, of at most %u", command.pipeline->name.c_str(), static_cast<unsigned long long>(threads),
             most_threads);
    }
    for (const auto & [constant, value] : command.pipeline->constants) {
        std::memcpy(constant->at, &value, constant->size);
    }
    cores.run(command);
    dispatched(*command.pipeline);
}

}  // namespace emulated
