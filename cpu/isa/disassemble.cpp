// Text by Capstone, the only file that knows it; validity and length are the decoder's, so that a listing never steps
// differently from the processor.
#include "cpu/isa/disassemble.h"

#include <capstone/capstone.h>
#include <dlfcn.h>

#include <array>
#include <memory>
#include <string>

namespace bantam::isa {

namespace {

/// What is used of the library. PERF: it is loaded for the first line; its tables are 3 MiB of relocations, which most
/// machines never need.
struct Capstone {
    decltype(&cs_open) open = nullptr;
    decltype(&cs_close) close = nullptr;
    decltype(&cs_disasm) disasm = nullptr;
    decltype(&cs_free) free = nullptr;

    [[nodiscard]] bool complete() const { return open && close && disasm && free; }
    static const Capstone& get() {
        static const Capstone functions = load();
        return functions;
    }

private:
    static Capstone load() {
        const std::string name = "libcapstone.so." + std::to_string(CS_API_MAJOR);
        void* const library = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);  // stays
        Capstone functions;
        if (library == nullptr) return functions;
        functions.open = reinterpret_cast<decltype(&cs_open)>(::dlsym(library, "cs_open"));
        functions.close = reinterpret_cast<decltype(&cs_close)>(::dlsym(library, "cs_close"));
        functions.disasm = reinterpret_cast<decltype(&cs_disasm)>(::dlsym(library, "cs_disasm"));
        functions.free = reinterpret_cast<decltype(&cs_free)>(::dlsym(library, "cs_free"));
        return functions;
    }
};

/// One Capstone handle per code size.
class Handle {
public:
    explicit Handle(cs_mode mode)
        : open_(Capstone::get().complete() && Capstone::get().open(CS_ARCH_X86, mode, &handle_) == CS_ERR_OK) {}
    ~Handle() {
        if (open_) Capstone::get().close(&handle_);
    }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    [[nodiscard]] bool open() const { return open_; }
    [[nodiscard]] csh get() const { return handle_; }

private:
    csh handle_ = 0;
    bool open_;
};

cs_mode capstone_mode(CodeSize code_size) {
    switch (code_size) {
        case CodeSize::bits16:
            return CS_MODE_16;
        case CodeSize::bits32:
            return CS_MODE_32;
        default:
            return CS_MODE_64;
    }
}

struct FreeInstruction {
    void operator()(cs_insn* instruction) const { Capstone::get().free(instruction, 1); }
};

}  // namespace

std::string disassemble(std::span<const u8> bytes, u64 rip, CodeSize code_size) {
    if (bytes.empty()) return {};
    DecodeMode mode;
    mode.code_size = code_size;
    Instruction instruction;
    if (decode(bytes, mode, instruction) != DecodeStatus::ok) return "(bad)";
    std::string fallback{mnemonic_name(instruction.mnemonic)};
    const Handle handle(capstone_mode(code_size));
    if (!handle.open()) return fallback;
    cs_insn* raw = nullptr;
    if (Capstone::get().disasm(handle.get(), bytes.data(), instruction.length, rip, 1, &raw) == 0) return fallback;
    const std::unique_ptr<cs_insn, FreeInstruction> text(raw);
    if (text->size != instruction.length) return fallback;
    std::string line = text->mnemonic;
    if (text->op_str[0] != '\0') line += std::string(" ") + text->op_str;
    return line;
}

}  // namespace bantam::isa
