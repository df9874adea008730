// SPDX-License-Identifier: MIT
//
// Default arguments from a file beside the executable.
//
// A model that is shipped with its program should run by itself: the packager writes the arguments
// down once, and whoever starts the program types only what is to be different.
//
// The file is the first of these that exists:
//
//     the path in LLAMAFILE_ARGS    (set but empty: no default arguments at all)
//     <executable>.args             for this program
//     .args                         in the executable's folder, for every program there
//
// The file holds words, separated by blanks and line ends:
//
//     # ...                 a comment, from a # that begins a word to the end of the line
//     'as it is'            quoted, nothing inside is special
//     "with \" and \\"      quoted, \" and \\ stand for " and \; any other backslash is itself
//     {exe}  {dir}          outside of single quotes: the executable's path, its folder
//     ...                   the place of the typed arguments; the end, where it is not written
//
// Quotes may begin and end inside a word, and outside of quotes a backslash is a plain character,
// so that paths can be written as they are. Of two values for one option upstream takes the last,
// so what a person types wins over everything before "..."; words after it are the packager's last
// say and are meant for what must not be changed. Options that collect values (--lora) collect both.
//
// A file that cannot be understood stops the program with its path, the line and what is wrong.

#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#if defined(_WIN32)
#    ifndef WIN32_LEAN_AND_MEAN
#        define WIN32_LEAN_AND_MEAN
#    endif
#    ifndef NOMINMAX
#        define NOMINMAX
#    endif
#    include <windows.h>
#elif defined(__APPLE__)
#    include <mach-o/dyld.h>
#endif

// argc and argv with the default arguments put in; they live as long as this does
struct llamafile_default_args {
    llamafile_default_args(int & argc, char ** & argv) {
        const std::filesystem::path exe  = executable();
        const std::filesystem::path file = find_file(exe);
        if (file.empty()) {
            return;
        }

        std::ifstream in(file, std::ios::binary);
        const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
        if (!in.is_open() || in.bad()) {
            throw std::invalid_argument("default arguments: cannot read " + file.string());
        }

        words.emplace_back(argc > 0 ? argv[0] : "llama");
        parse(text, file.string(), exe, argc, argv);

        for (auto & word : words) {
            pointers.push_back(word.data());
        }
        argc = (int) pointers.size();
        pointers.push_back(nullptr);
        argv = pointers.data();
    }

    // the pointers are into the words
    llamafile_default_args(const llamafile_default_args &) = delete;
    llamafile_default_args & operator=(const llamafile_default_args &) = delete;

private:
    std::vector<std::string> words;
    std::vector<char *>      pointers;

    static std::filesystem::path executable() {
#if defined(_WIN32)
        std::wstring path(32768, L'\0');
        path.resize(GetModuleFileNameW(nullptr, path.data(), (DWORD) path.size()));
        return path;
#elif defined(__APPLE__)
        uint32_t size = 0;
        _NSGetExecutablePath(nullptr, &size);
        std::string path(size, '\0');
        if (_NSGetExecutablePath(path.data(), &size) != 0) {
            return {};
        }
        return path.c_str();
#else
        std::error_code ec;
        return std::filesystem::read_symlink("/proc/self/exe", ec);
#endif
    }

    static std::filesystem::path find_file(const std::filesystem::path & exe) {
        if (const char * path = getenv("LLAMAFILE_ARGS")) {
            return path;
        }
        if (exe.empty()) {
            return {};
        }

        std::filesystem::path own = exe;
        own += ".args";
        for (const auto & file : { own, exe.parent_path() / ".args" }) {
            std::error_code ec;
            if (std::filesystem::is_regular_file(file, ec)) {
                return file;
            }
        }
        return {};
    }

    void parse(const std::string & text, const std::string & name, const std::filesystem::path & exe, int argc, char ** argv) {
        int  line   = 1;
        bool placed = false;

        const auto fail = [&](int at, const std::string & what) {
            throw std::invalid_argument("default arguments: " + name + ":" + std::to_string(at) + ": " + what);
        };
        const auto place = [&]() {
            words.insert(words.end(), argv + (argc > 0 ? 1 : 0), argv + argc);
            placed = true;
        };
        const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };

        size_t i = 0;
        while (i < text.size()) {
            if (text[i] == '\n') {
                line++;
            }
            if (is_blank(text[i])) {
                i++;
                continue;
            }
            if (text[i] == '#') {
                while (i < text.size() && text[i] != '\n') {
                    i++;
                }
                continue;
            }

            std::string word;
            bool        quoted = false;
            char        quote  = '\0';
            int         opened = line; // where the open quote began

            for (; i < text.size() && (quote || !is_blank(text[i])); i++) {
                const char c = text[i];
                if (c == '\0') {
                    fail(line, "a zero byte, this is not a text file");
                }
                if (c == '\n') {
                    line++;
                }
                if (quote && c == quote) {
                    quote = '\0';
                } else if (!quote && (c == '\'' || c == '"')) {
                    quote  = c;
                    quoted = true;
                    opened = line;
                } else if (quote == '"' && c == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\')) {
                    word += text[++i];
                } else if (quote != '\'' && text.compare(i, 5, "{exe}") == 0) {
                    word += exe.string();
                    i += 4;
                } else if (quote != '\'' && text.compare(i, 5, "{dir}") == 0) {
                    word += exe.parent_path().string();
                    i += 4;
                } else {
                    word += c;
                }
            }
            if (quote) {
                fail(opened, std::string("the quote ") + quote + " is never closed");
            }
            if (!quoted && word == "...") {
                if (placed) {
                    fail(line, "a second ... for the typed arguments");
                }
                place();
                continue;
            }
            words.push_back(word);
        }

        if (!placed) {
            place();
        }
    }
};
