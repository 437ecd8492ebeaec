#include "frontend/gdb/registers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "frontend/gdb/exceptions.h"

namespace bantam::frontend::gdb {
namespace {

constexpr std::array<Gpr, 16> kOrder{kRax, kRbx, kRcx, kRdx, kRsi, kRdi, kRbp, kRsp,
                                     kR8,  kR9,  kR10, kR11, kR12, kR13, kR14, kR15};
constexpr std::array<std::string_view, 16> kNames64{"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
                                                    "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
constexpr std::array<Gpr, 8> kOrder32{kRax, kRcx, kRdx, kRbx, kRsp, kRbp, kRsi, kRdi};
constexpr std::array<std::string_view, 8> kNames32{"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};

constexpr std::string_view kFlagType =
    R"(<flags id="i386_eflags" size="4"><field name="CF" start="0" end="0"/><field name="" start="1" end="1"/>)"
    R"(<field name="PF" start="2" end="2"/><field name="AF" start="4" end="4"/><field name="ZF" start="6" end="6"/>)"
    R"(<field name="SF" start="7" end="7"/><field name="TF" start="8" end="8"/><field name="IF" start="9" end="9"/>)"
    R"(<field name="DF" start="10" end="10"/><field name="OF" start="11" end="11"/><field name="NT" start="14" end="14"/>)"
    R"(<field name="RF" start="16" end="16"/><field name="VM" start="17" end="17"/><field name="AC" start="18" end="18"/>)"
    R"(<field name="VIF" start="19" end="19"/><field name="VIP" start="20" end="20"/><field name="ID" start="21" end="21"/>)"
    "</flags>";
constexpr std::string_view kVectorTypes =
    R"(<vector id="v4f" type="ieee_single" count="4"/><vector id="v2d" type="ieee_double" count="2"/>)"
    R"(<vector id="v16i8" type="int8" count="16"/><vector id="v8i16" type="int16" count="8"/>)"
    R"(<vector id="v4i32" type="int32" count="4"/><vector id="v2i64" type="int64" count="2"/>)"
    R"(<union id="vec128"><field name="v4_float" type="v4f"/><field name="v2_double" type="v2d"/>)"
    R"(<field name="v16_int8" type="v16i8"/><field name="v8_int16" type="v8i16"/><field name="v4_int32" type="v4i32"/>)"
    R"(<field name="v2_int64" type="v2i64"/><field name="uint128" type="uint128"/></union>)";

constexpr u32 kWritableFlags = kStatusFlags | kFlagTrap | kFlagInterrupt | kFlagDirection | kFlagIopl |
                               kFlagNestedTask | kFlagResume | kFlagAlignmentCheck | kFlagVif | kFlagVip | kFlagId;

// The FXSAVE image (SDM vol. 1, 10.5.1).
constexpr std::size_t kStatusWord = 2, kTags = 4, kFirstStack = 32, kStackStride = 16, kStackBytes = 10;

u16 word_at(std::span<const u8> bytes, std::size_t at) { return static_cast<u16>(bytes[at] | bytes[at + 1] << 8); }

/// The x87 tag word from the abridged one and the registers (SDM vol. 1, 8.1.7): 0 valid, 1 zero, 2 special, 3 empty.
u16 full_tags(const CpuState& state) {
    const unsigned top = word_at(state.x87, kStatusWord) >> 11 & 7;
    unsigned tags = 0;
    for (unsigned physical = 0; physical < 8; ++physical) {
        const std::size_t at = kFirstStack + kStackStride * ((physical - top) & 7);
        const unsigned exponent = word_at(state.x87, at + 8) & 0x7FFFu;
        u64 significand = 0;
        std::memcpy(&significand, &state.x87[at], sizeof significand);
        unsigned tag = 0;
        if ((state.x87[kTags] >> physical & 1) == 0) {
            tag = 3;
        } else if (exponent == 0 && significand == 0) {
            tag = 1;
        } else if (exponent == 0x7FFF || significand >> 63 == 0) {
            tag = 2;
        }
        tags |= tag << (2 * physical);
    }
    return static_cast<u16>(tags);
}

unsigned bits_now(const Cpu& cpu) {
    if (cpu.long_mode()) return 64;
    return cpu.decode_mode().code_size == isa::CodeSize::bits16 ? 16 : 32;
}

u64 without_upper_half(u64 value) { return value & 0xFFFFFFFF; }

}  // namespace

void set_instruction_pointer(Cpu& cpu, u64 value) {
    cpu.state.rip() = cpu.code64() ? value : without_upper_half(value);
}

Registers::Registers(Cpu& cpu, unsigned bits)
    : cpu_(cpu), bits_(bits != 0 ? bits : bits_now(cpu)), long_mode_(bits_ == 64) {
    add_core();
    add_x87();
    add_vectors();
    add_system();
}

void Registers::begin(std::string name, std::string types) {
    features_.push_back({std::move(name), std::move(types), rows_.size()});
}

void Registers::add(std::string name, unsigned bits, std::string type, std::function<u64()> get,
                    std::function<void(u64)> put) {
    Row row{.name = std::move(name), .bits = bits, .type = std::move(type), .get = [get](std::span<u8> to) {
                const u64 value = get();
                std::memcpy(to.data(), &value, to.size());
            }};
    if (put) {
        row.put = [put](std::span<const u8> from) {
            u64 value = 0;
            std::memcpy(&value, from.data(), from.size());
            put(value);
            return std::nullopt;
        };
    }
    rows_.push_back(std::move(row));
}

void Registers::add_checked(std::string name, unsigned bits, std::string type, std::function<u64()> get,
                            const std::function<std::optional<Exception>(u64)>& put) {
    add(std::move(name), bits, std::move(type), std::move(get));
    rows_.back().checked = true;
    rows_.back().put = [put](std::span<const u8> from) {
        u64 value = 0;
        std::memcpy(&value, from.data(), from.size());
        return put(value);
    };
}

void Registers::add_segment(const char* name, SegmentIndex index) {
    add_checked(
        name, 32, "int32", [this, index] { return cpu_.state.segment[index].selector; },
        [this, index](u64 value) -> std::optional<Exception> {
            constexpr u64 kLargest = 0xFFFF;
            if (value > kLargest) return Exception{Vector::general_protection, true, 0, 0};
            return write_segment_from_outside(cpu_, index, static_cast<u16>(value));
        });
}

void Registers::add_control(const char* name, u64 CpuState::*value, ControlRegister control) {
    add_checked(
        name, 64, "int64", [this, value] { return cpu_.state.*value; },
        [this, control](u64 written) { return write_control_from_outside(cpu_, control, written); });
}

void Registers::add_bytes(std::string name, std::string type, std::span<u8> bytes) {
    rows_.push_back({.name = std::move(name),
                     .bits = static_cast<unsigned>(8 * bytes.size()),
                     .type = std::move(type),
                     .get = [bytes](std::span<u8> to) { std::copy(bytes.begin(), bytes.end(), to.begin()); },
                     .put = [bytes](std::span<const u8> from) -> std::optional<Exception> {
                         std::copy(from.begin(), from.end(), bytes.begin());
                         return std::nullopt;
                     }});
}

void Registers::add_core() {
    CpuState& state = cpu_.state;
    begin("org.gnu.gdb.i386.core", std::string(kFlagType));
    const unsigned bits = long_mode_ ? 64 : 32;
    const std::size_t count = long_mode_ ? kOrder.size() : kOrder32.size();
    for (std::size_t i = 0; i < count; ++i) {
        const Gpr gpr = long_mode_ ? kOrder.at(i) : kOrder32.at(i);
        const std::string name(long_mode_ ? kNames64.at(i) : kNames32.at(i));
        const bool points = gpr == kRsp || gpr == kRbp;
        add(
            name, bits,
            points       ? "data_ptr"
            : long_mode_ ? "int64"
                         : "int32",
            [&state, gpr] { return state.gpr[gpr]; },
            [this, gpr](u64 value) { cpu_.state.gpr[gpr] = cpu_.long_mode() ? value : without_upper_half(value); });
    }
    add(
        long_mode_ ? "rip" : "eip", bits, "code_ptr", [&state] { return state.rip(); },
        [this](u64 value) { set_instruction_pointer(cpu_, value); });
    add(
        "eflags", 32, "i386_eflags", [&state] { return state.eflags(); },
        [this](u64 value) { cpu_.write_flags(static_cast<u32>(value), kWritableFlags); });
    constexpr std::array<std::pair<const char*, SegmentIndex>, kSegmentCount> kSegments{
        {{"cs", kCs}, {"ss", kSs}, {"ds", kDs}, {"es", kEs}, {"fs", kFs}, {"gs", kGs}}};
    for (const auto& [name, index] : kSegments) add_segment(name, index);
}

void Registers::add_x87() {
    CpuState& state = cpu_.state;
    for (std::size_t i = 0; i < 8; ++i) {
        add_bytes(fmt::format("st{}", i), "i387_ext",
                  std::span(state.x87).subspan(kFirstStack + i * kStackStride, kStackBytes));
    }
    add("fctrl", 32, "int", [&state] { return word_at(state.x87, 0); });
    add("fstat", 32, "int", [&state] { return word_at(state.x87, kStatusWord); });
    add("ftag", 32, "int", [&state] { return full_tags(state); });
    add("fiseg", 32, "int", [&state] { return state.x87_code_segment; });
    add("fioff", 32, "int", [&state] { return state.x87_instruction_pointer; });
    add("foseg", 32, "int", [&state] { return state.x87_data_segment; });
    add("fooff", 32, "int", [&state] { return state.x87_data_pointer; });
    add("fop", 32, "int", [&state] { return state.x87_opcode; });
}

void Registers::add_vectors() {
    CpuState& state = cpu_.state;
    constexpr std::size_t kHalf = 16;
    const std::size_t count = long_mode_ ? 16 : 8;
    if (!cpu_.model.has(isa::Feature::sse)) return;
    begin("org.gnu.gdb.i386.sse", std::string(kVectorTypes));
    for (std::size_t i = 0; i < count; ++i)
        add_bytes(fmt::format("xmm{}", i), "vec128", std::span(state.vector[i].bytes).first(kHalf));
    add("mxcsr", 32, "int", [&state] { return state.mxcsr; });
    if (!cpu_.model.has(isa::Feature::avx)) return;
    begin("org.gnu.gdb.i386.avx");
    for (std::size_t i = 0; i < count; ++i)
        add_bytes(fmt::format("ymm{}h", i), "uint128", std::span(state.vector[i].bytes).last(kHalf));
}

void Registers::add_system() {
    CpuState& state = cpu_.state;
    if (long_mode_) {
        begin("org.gnu.gdb.i386.segments");
        add("fs_base", 64, "int", [&state] { return state.segment[kFs].base; });
        add("gs_base", 64, "int", [&state] { return state.segment[kGs].base; });
    }
    begin("org.bantam.system");
    constexpr std::array<std::pair<const char*, SegmentIndex>, 4> kBases{
        {{"cs_base", kCs}, {"ss_base", kSs}, {"ds_base", kDs}, {"es_base", kEs}}};
    for (const auto& [name, index] : kBases)
        add(name, 64, "int64", [&state, index = index] { return state.segment[index].base; });
    if (!long_mode_) {
        add("fs_base", 64, "int64", [&state] { return state.segment[kFs].base; });
        add("gs_base", 64, "int64", [&state] { return state.segment[kGs].base; });
    }
    add("k_gs_base", 64, "int64", [&state] { return state.kernel_gs_base; });
    add("gdtr_base", 64, "int64", [&state] { return state.gdtr.base; });
    add("gdtr_limit", 32, "int32", [&state] { return state.gdtr.limit; });
    add("idtr_base", 64, "int64", [&state] { return state.idtr.base; });
    add("idtr_limit", 32, "int32", [&state] { return state.idtr.limit; });
    add("ldtr", 32, "int32", [&state] { return state.ldtr.selector; });
    add("tr", 32, "int32", [&state] { return state.tr.selector; });
    add_control("cr0", &CpuState::cr0, ControlRegister::cr0);
    add_control("cr2", &CpuState::cr2, ControlRegister::cr2);
    add_control("cr3", &CpuState::cr3, ControlRegister::cr3);
    add_control("cr4", &CpuState::cr4, ControlRegister::cr4);
    if (long_mode_) {  // it can be reached by no instruction of another mode
        add_checked(
            "cr8", 64, "int64", [this] { return u64{cpu_.environment.read_task_priority()}; },
            [this](u64 value) -> std::optional<Exception> {
                constexpr u64 kLargest = 15;
                if (value > kLargest) return Exception{Vector::general_protection, true, 0, 0};
                cpu_.environment.write_task_priority(static_cast<u8>(value));
                return std::nullopt;
            });
    }
    add_control("efer", &CpuState::efer, ControlRegister::efer);
}

std::string Registers::description() const {
    std::string text = fmt::format(
        "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target version=\"1.0\">"
        "<architecture>{}</architecture>",
        long_mode_    ? "i386:x86-64"
        : bits_ == 16 ? "i8086"
                      : "i386");
    for (std::size_t i = 0; i < features_.size(); ++i) {
        const std::size_t end = i + 1 < features_.size() ? features_[i + 1].first : rows_.size();
        text += fmt::format("<feature name=\"{}\">{}", features_[i].name, features_[i].types);
        for (std::size_t row = features_[i].first; row < end; ++row) {
            text += fmt::format("<reg name=\"{}\" bitsize=\"{}\" type=\"{}\"/>", rows_[row].name, rows_[row].bits,
                                rows_[row].type);
        }
        text += "</feature>";
    }
    return text + "</target>";
}

std::vector<u8> Registers::read(std::size_t index) const {
    std::vector<u8> value(bytes(index));
    rows_.at(index).get(value);
    return value;
}

Result<void> Registers::write(std::size_t index, std::span<const u8> value) {
    const Row& row = rows_.at(index);
    if (value.size() != bytes(index))
        return Error{ExitStatus::usage, fmt::format("{} has {} bits", row.name, row.bits)};
    if (!row.put) return Error{ExitStatus::usage, fmt::format("{} can only be read", row.name)};
    const std::optional<Exception> refused = row.put(value);
    if (!refused) return {};
    return Error{ExitStatus::usage,
                 fmt::format("the processor refuses this value of {}: {}, error code {:x}h", row.name,
                             exception_names(u32{1} << static_cast<unsigned>(refused->vector)), refused->error_code)};
}

}  // namespace bantam::frontend::gdb
