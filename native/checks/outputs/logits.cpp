// SPDX-License-Identifier: MIT
//
// Writes what a model says, as the very floats that the build computes: no tool of upstream's does (llama-perplexity
// rounds logits to 16 bits).
//
//   logits --model FILE --text FILE --continue N --output FILE --backends DIR [how upstream's tools are told of a device]
//
// The text is computed at once, and then N tokens one by one, each the likeliest after those before it (of equals the
// first). So both ways of computing are there: products with many columns and with one.
//
// The same every time, on a device that is: one thread, one batch for the text, one sequence, no warm-up, and for the
// rest the defaults of llama.h: flash attention where the device has it, a cache in F16, weights repacked for the
// processor, a model that is mapped into memory.
//
// How the output is laid out, in the machine's byte order:
//
//   8 bytes     "logits 1"
//   3 x int32   tokens of the vocabulary V, of the text T, and how many were added N
//   int32       T + N tokens
//   float32     T + N rows of V logits: what follows each token

#include "ggml-backend.h"
#include "llama.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

[[noreturn]] static void fail(const std::string & said) {
    fprintf(stderr, "logits: %s\n", said.c_str());
    exit(1);
}

struct options {
    std::string model, text, output, backends;
    int         added = 0;

    // how a model is put on a device: the words that upstream's tools take
    std::string device; // one name, or "none"; "": what upstream chooses
    std::string rpc;    // HOST:PORT
    int         layers = -1;
    bool        has_layers = false;
};

static options read_options(int argc, char ** argv) {
    options given;
    for (int i = 1; i < argc; i += 2) {
        const std::string name = argv[i];
        if (i + 1 == argc) {
            fail(name + " is given no value");
        }
        const char * value = argv[i + 1];
        if (name == "--model") {
            given.model = value;
        } else if (name == "--text") {
            given.text = value;
        } else if (name == "--output") {
            given.output = value;
        } else if (name == "--backends") {
            given.backends = value;
        } else if (name == "--continue") {
            given.added = atoi(value);
        } else if (name == "--device") {
            given.device = value;
        } else if (name == "--rpc") {
            given.rpc = value;
        } else if (name == "-ngl") {
            given.layers     = atoi(value);
            given.has_layers = true;
        } else {
            fail("knows no option " + name + " (of those that name a device: --device, --rpc, -ngl)");
        }
    }
    if (given.model.empty() || given.text.empty() || given.output.empty()) {
        fail("needs --model, --text and --output");
    }
    return given;
}

// Has the devices of a server among the others, as upstream's tools do it.
static void add_server(const std::string & address) {
    using add_fn = ggml_backend_reg_t (*)(const char *);
    ggml_backend_reg_t rpc = ggml_backend_reg_by_name("RPC");
    add_fn add = rpc ? (add_fn) ggml_backend_reg_get_proc_address(rpc, "ggml_backend_rpc_add_server") : nullptr;
    if (add == nullptr) {
        fail("this build has no RPC");
    }
    ggml_backend_reg_t server = add(address.c_str());
    if (server == nullptr || ggml_backend_reg_dev_count(server) == 0) {
        fail("no device behind the RPC server " + address);
    }
    ggml_backend_register(server);
}

static llama_model * load(const options & given) {
    llama_backend_init();
    if (ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU) == nullptr) { // backends are files beside the tools
        ggml_backend_load_all_from_path(given.backends.c_str());
    }
    if (!given.rpc.empty()) {
        add_server(given.rpc);
    }
    ggml_backend_dev_t chosen[] = { nullptr, nullptr };
    llama_model_params params   = llama_model_default_params();
    if (!given.device.empty()) {
        params.devices = chosen; // an empty list: the processor, and what speeds it up
    }
    if (!given.device.empty() && given.device != "none") {
        chosen[0] = ggml_backend_dev_by_name(given.device.c_str());
        if (chosen[0] == nullptr) {
            fail("this machine or build has no device " + given.device);
        }
    }
    if (given.has_layers) {
        params.n_gpu_layers = given.layers;
    }
    llama_model * model = llama_model_load_from_file(given.model.c_str(), params);
    if (model == nullptr) {
        fail("cannot load " + given.model);
    }
    return model;
}

static std::vector<llama_token> tokens_of(const llama_vocab * vocab, const std::string & path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        fail("cannot read " + path);
    }
    const std::string text{ std::istreambuf_iterator<char>(file), {} };
    const int needed = -llama_tokenize(vocab, text.data(), (int32_t) text.size(), nullptr, 0, true, false);
    std::vector<llama_token> tokens(std::max(needed, 0));
    if (needed <= 0 || llama_tokenize(vocab, text.data(), (int32_t) text.size(), tokens.data(), needed, true, false) != needed) {
        fail("cannot make tokens of " + path);
    }
    return tokens;
}

// Computes a batch at once, and appends a row for each of its tokens.
static void decode(llama_context * context, int vocabulary, const llama_token * tokens, int count, int start, std::vector<float> & rows) {
    llama_batch batch = llama_batch_init(count, 0, 1);
    batch.n_tokens    = count;
    for (int i = 0; i < count; i++) {
        batch.token[i]     = tokens[i];
        batch.pos[i]       = start + i;
        batch.n_seq_id[i]  = 1;
        batch.seq_id[i][0] = 0;
        batch.logits[i]    = 1;
    }
    if (llama_decode(context, batch) != 0) {
        fail("cannot compute " + std::to_string(count) + " tokens after " + std::to_string(start));
    }
    for (int i = 0; i < count; i++) {
        const float * row = llama_get_logits_ith(context, i);
        if (row == nullptr) {
            fail("no logits after token " + std::to_string(start + i));
        }
        rows.insert(rows.end(), row, row + vocabulary);
    }
    llama_batch_free(batch);
}

static void write(const options & given, int vocabulary, int text, const std::vector<llama_token> & tokens, const std::vector<float> & rows) {
    const int32_t counts[] = { vocabulary, text, (int32_t) tokens.size() - text };
    std::ofstream file(given.output, std::ios::binary);
    file.write("logits 1", 8);
    file.write((const char *) counts, sizeof(counts));
    file.write((const char *) tokens.data(), (std::streamsize) (tokens.size() * sizeof(int32_t)));
    file.write((const char *) rows.data(), (std::streamsize) (rows.size() * sizeof(float)));
    file.close();
    if (!file) {
        fail("cannot write " + given.output);
    }
}

int main(int argc, char ** argv) {
    const options given = read_options(argc, argv);
    llama_model * model = load(given);

    const llama_vocab * vocab = llama_model_get_vocab(model);
    const int vocabulary      = llama_vocab_n_tokens(vocab);
    std::vector<llama_token> tokens = tokens_of(vocab, given.text);
    const int text                  = (int) tokens.size();

    llama_context_params params = llama_context_default_params();
    params.n_ctx           = text + given.added;
    params.n_batch         = text;
    params.n_ubatch        = text;
    params.n_threads       = 1;
    params.n_threads_batch = 1;
    llama_context * context = llama_init_from_model(model, params);
    if (context == nullptr) {
        fail("cannot make a context");
    }

    std::vector<float> rows;
    decode(context, vocabulary, tokens.data(), text, 0, rows);
    for (int i = 0; i < given.added; i++) {
        const auto last = rows.end() - vocabulary;
        tokens.push_back((llama_token) (std::max_element(last, rows.end()) - last));
        decode(context, vocabulary, &tokens.back(), 1, (int) tokens.size() - 1, rows);
    }
    write(given, vocabulary, text, tokens, rows);

    llama_free(context);
    llama_model_free(model);
    llama_backend_free();
    return 0;
}
