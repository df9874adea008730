#include "report.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <errno.h>

#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <tuple>
#include <vector>

#include "machine.h"

namespace emulated {

namespace {

struct Fault {
    std::string   text;
    std::uint64_t count = 0;
};
using Key = std::tuple<std::string, std::string, std::string>;  // kind, kernel, place

std::mutex &                 lock() { static std::mutex held; return held; }
std::map<Key, Fault> &       faults() { static auto & held = *new std::map<Key, Fault>; return held; }
std::map<const void *, std::string> & places() { static auto & held = *new std::map<const void *, std::string>; return held; }
std::set<std::string> &      absent() { static auto & held = *new std::set<std::string>; return held; }
std::set<std::string> &      used() { static auto & held = *new std::set<std::string>; return held; }
std::atomic<std::uint64_t>   workarounds[static_cast<int>(Workaround::COUNT)];
std::atomic<std::uint64_t>   dispatches{ 0 };
std::atomic<bool>            checked{ false };

const char * const names[] = { "integer division by zero", "lanes in step", "value written again", "function constant not set",
                               "threadgroup memory not a multiple of 16 bytes" };

std::string quoted(const std::string & text) {
    std::string made = "\"";
    for (const char each : text) {
        if (each == '"' || each == '\\') {
            made += '\\';
        }
        if (static_cast<unsigned char>(each) < 0x20) {
            char code[8];
            std::snprintf(code, sizeof code, "\\u%04x", each);
            made += code;
        } else {
            made += each;
        }
    }
    return made + "\"";
}

std::string listed(const std::set<std::string> & of) {
    std::string made = "[";
    for (const std::string & each : of) {
        made += (made.size() > 1 ? ", " : "") + quoted(each);
    }
    return made + "]";
}

// Ask binutils for the line of an address; where it is not there, the address in its library stands for it.
std::string place_of(const void * at) {
    auto known = places().find(at);
    if (known != places().end()) {
        return known->second;
    }
    std::string place;
    Dl_info     found;
    if (dladdr(at, &found) && found.dli_fname) {
        char command[4096];
        const auto offset = static_cast<const char *>(at) - static_cast<const char *>(found.dli_fbase) - 1;
        std::snprintf(command, sizeof command, "addr2line -i -e '%s' 0x%lx 2>/dev/null", found.dli_fname, offset);
        // inlined code comes innermost first: the first line that is not in the emulation's own headers is upstream's
        if (FILE * answer = popen(command, "r")) {
            char line[2048];
            while (std::fgets(line, sizeof line, answer)) {
                std::string text = line;
                text             = text.substr(0, text.find_first_of(" \n"));
                if (place.empty() && text.find("native/metal/shader/") == std::string::npos && text.compare(0, 2, "??") != 0) {
                    place = text;
                }
            }
            pclose(answer);
        }
        if (place.empty()) {
            std::snprintf(command, sizeof command, "%s+0x%lx", found.dli_fname, offset);
            place = command;
        }
    }
    places()[at] = place;
    return place;
}

std::string json() {
    std::string text = "{\"kernels\": {\"compiled\": " + std::to_string(kernels().size()) + ", \"used\": " + listed(used());
    std::set<std::string> idle;
    for (const auto & [name, kernel] : kernels()) {
        if (!used().count(name)) {
            idle.insert(name);
        }
    }
    text += ", \"idle\": " + listed(idle) + "}";
    text += ", \"program\": " + quoted(program_invocation_short_name) + ", \"order\": ";
    text += order() == Order::forward ? "\"forward\"" : order() == Order::reverse ? "\"reverse\"" : "\"rotate\"";
    text += ", \"dispatches\": " + std::to_string(dispatches.load());
    text += std::string(", \"checked\": ") + (checked ? "true" : "false") + ", \"workarounds\": {";
    for (int index = 0; index < static_cast<int>(Workaround::COUNT); index++) {
        text += (index ? ", " : "") + quoted(names[index]) + ": " + std::to_string(workarounds[index].load());
    }
    text += "}, \"faults\": [";
    bool first = true;
    for (const auto & [key, fault] : faults()) {
        const auto & [kind, kernel, where] = key;
        text += (first ? "" : ", ");
        text += "{\"kind\": " + quoted(kind) + ", \"kernel\": " + quoted(kernel) + ", \"where\": " + quoted(where) +
                ", \"text\": " + quoted(fault.text) + ", \"count\": " + std::to_string(fault.count) + "}";
        first = false;
    }
    return text + "], \"missing\": " + listed(absent()) + "}\n";
}

// Written as the library goes, in one piece: processes may share a file.
void write_report() {
    const std::lock_guard<std::mutex> held(lock());
    const char *                      path = std::getenv("FORKKEEPER_METAL_REPORT");
    if (!path || !*path) {
        return;
    }
    const std::string text = json();
    const int         file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file < 0 || write(file, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        std::fprintf(stderr, "emulated Metal: the report %s cannot be written: %s\n", path, std::strerror(errno));
    }
    if (file >= 0) {
        close(file);
    }
}

struct AtEnd {
    AtEnd() { std::atexit(write_report); }
} at_end;

}  // namespace

void fail(const char * format, ...) {
    va_list arguments;
    va_start(arguments, format);
    std::fputs("emulated Metal: ", stderr);
    std::vfprintf(stderr, format, arguments);
    std::fputs("\n", stderr);
    va_end(arguments);
    std::abort();
}

void count(Workaround what, std::uint64_t times) {
    workarounds[static_cast<int>(what)].fetch_add(times, std::memory_order_relaxed);
}

void fault(const char * kind, const std::string & kernel, const std::string & where, const void * at, const std::string & text) {
    const std::lock_guard<std::mutex> held(lock());
    const std::string                 place = where.empty() ? place_of(at) : where;
    Fault &                           known = faults()[{ kind, kernel, place }];
    if (known.count++ == 0) {
        known.text = text;
        std::fprintf(stderr, "emulated Metal: %s in %s at %s: %s\n", kind, kernel.c_str(), place.c_str(), text.c_str());
    }
}

void missing(const std::string & kernel) {
    const std::lock_guard<std::mutex> held(lock());
    absent().insert(kernel);
}

void dispatched(const Pipeline & pipeline) {
    dispatches++;
    const std::lock_guard<std::mutex> held(lock());
    used().insert(pipeline.kernel->name);
}

void checked_build() {
    checked = true;
}

}  // namespace emulated

extern "C" void emulated_undefined_division() {
    emulated::count(emulated::Workaround::division_by_zero);
}
