// Text by Capstone, the only file that knows it; validity and length are the decoder's, so that a listing never steps
// differently from the processor.
#include "cpu/isa/disassemble.h"

#include <capstone/capstone.h>

#include <array>
#include <memory>

namespace bantam::isa {

namespace {

/// One Capstone handle per code size.
class Handle {
public:
    explicit Handle(cs_mode mode) : open_(cs_open(CS_ARCH_X86, mode, &handle_) == CS_ERR_OK) {}
    ~Handle() {
        if (open_) cs_close(&handle_);
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
    void operator()(cs_insn* instruction) const { cs_free(instruction, 1); }
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
    if (cs_disasm(handle.get(), bytes.data(), instruction.length, rip, 1, &raw) == 0) return fallback;
    const std::unique_ptr<cs_insn, FreeInstruction> text(raw);
    if (text->size != instruction.length) return fallback;
    std::string line = text->mnemonic;
    if (text->op_str[0] != '\0') line += std::string(" ") + text->op_str;
    return line;
}

}  // namespace bantam::isa
