#include "machine/lockstep/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

#include "base/check.h"

namespace bantam::lockstep {
namespace {

constexpr u32 kSeenAttention = ~u32{kAttentionStop};

bool same_bytes(const CpuState& a, const CpuState& b, std::size_t begin, std::size_t end) {
    const auto* const one = reinterpret_cast<const u8*>(&a);
    const auto* const other = reinterpret_cast<const u8*>(&b);
    return std::memcmp(one + begin, other + begin, end - begin) == 0;
}

struct Field {
    std::string name;
    std::string value;
};

/// The fields of CpuState as text.
class FieldList final : public Archive {
public:
    [[nodiscard]] bool loading() const override { return false; }
    void begin_section(std::string_view name) override {
        if (depth_++ != 0) section_ = name;  // the outermost is the state itself
        item_ = 0;
    }
    void end_section() override {
        --depth_;
        section_.clear();
    }
    void scalar(std::string_view name, u64& value, unsigned size) override {
        fields_.push_back({full_name(name), fmt::format("{:0{}x}", value, 2 * size)});
    }
    void bytes(std::string_view name, void* data, std::size_t size) override {
        std::string text;
        for (const u8 byte : std::span(static_cast<const u8*>(data), size)) text += fmt::format("{:02x}", byte);
        fields_.push_back({full_name(name), std::move(text)});
    }
    [[nodiscard]] const std::vector<Field>& fields() const { return fields_; }

private:
    std::string full_name(std::string_view name) {
        constexpr std::array kRegisters{"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8",
                                        "r9",  "r10", "r11", "r12", "r13", "r14", "r15", "rip", "zero"};
        if (name == "vector") return fmt::format("ymm{}", vector_++);
        if (section_.empty()) return std::string(name);
        if (name != "item") return fmt::format("{}.{}", section_, name);
        const std::size_t item = item_++;
        if (section_ == "gpr") return kRegisters.at(item);
        return fmt::format("{}{}", section_, item);
    }

    std::vector<Field> fields_;
    std::string section_;
    unsigned depth_ = 0;
    std::size_t item_ = 0;
    unsigned vector_ = 0;
};

/// The fields of CpuState as bytes, without what the compiler has put between them.
class FieldBytes final : public Archive {
public:
    explicit FieldBytes(CpuState state) { field("cpu", state); }
    [[nodiscard]] bool loading() const override { return false; }
    void begin_section(std::string_view) override {}
    void end_section() override {}
    void scalar(std::string_view, u64& value, unsigned size) override { bytes({}, &value, size); }
    void bytes(std::string_view, void* data, std::size_t size) override {
        CHECK(used_ + size <= all_.size());
        std::memcpy(&all_[used_], data, size);
        used_ += size;
    }
    bool operator==(const FieldBytes& other) const {
        return used_ == other.used_ && std::memcmp(all_.data(), other.all_.data(), used_) == 0;
    }

private:
    std::array<u8, 2 * sizeof(CpuState)> all_;
    std::size_t used_ = 0;
};

/// Makes what is left out of comparisons the same.
CpuState without_left_out(CpuState state) {
    state.attention &= kSeenAttention;
    state.x87_last_data_pointer = 0;
    state.x87_last_data_segment = state.x87_last_opcode = 0;
    state.x87_code_segment = state.x87_data_segment = 0;
    return state;
}

/// Calls `visit` with the offset of every page that the host has backed with memory, until it returns false.
template <class Visit>
void for_each_backed_page(const PhysicalMemory& memory, Visit visit) {
    for (const PhysicalMemory::Stretch& stretch : memory.backed()) {
        for (u64 page = stretch.begin; page < stretch.end; page += kPageSize) {
            if (!visit(page)) return;
        }
    }
}

Physical address_of(const PhysicalMemory& memory, u64 offset) {
    const u64 low = memory.low_ram_bytes();
    return {offset < low ? offset : PhysicalMemory::kHighRamBase + (offset - low)};
}

std::optional<MemoryDifference> difference_at(const PhysicalMemory& interpreter, const PhysicalMemory& translator,
                                              u64 offset) {
    const auto a = interpreter.ram().subspan(offset, kPageSize);
    const auto b = translator.ram().subspan(offset, kPageSize);
    if (std::memcmp(a.data(), b.data(), kPageSize) == 0) return std::nullopt;
    const auto first = static_cast<u64>(std::mismatch(a.begin(), a.end(), b.begin()).first - a.begin());
    const u64 shown = first - first % MemoryDifference::kShown;
    MemoryDifference difference{
        .address = address_of(interpreter, offset) + shown, .interpreter = {}, .translator = {}};
    std::memcpy(difference.interpreter.data(), a.data() + shown, MemoryDifference::kShown);
    std::memcpy(difference.translator.data(), b.data() + shown, MemoryDifference::kShown);
    return difference;
}

}  // namespace

bool same_registers(const CpuState& interpreter, const CpuState& translator) {
    const CpuState& a = interpreter;
    const CpuState& b = translator;
    // PERF: most often the bytes between the fields are the same too.
    const bool same = same_bytes(a, b, 0, offsetof(CpuState, attention)) &&
                      ((a.attention ^ b.attention) & kSeenAttention) == 0 && a.instructions == b.instructions &&
                      same_bytes(a, b, offsetof(CpuState, segment), offsetof(CpuState, x87_last_data_pointer)) &&
                      a.x87_opcode == b.x87_opcode && a.ferr == b.ferr;
    return same || FieldBytes(without_left_out(a)) == FieldBytes(without_left_out(b));
}

std::vector<RegisterDifference> register_differences(const CpuState& interpreter, const CpuState& translator,
                                                     Scope scope) {
    const bool visible = scope == Scope::visible;
    CpuState one_state = visible ? without_left_out(interpreter) : interpreter;
    CpuState other_state = visible ? without_left_out(translator) : translator;
    FieldList a;
    FieldList b;
    a.field("cpu", one_state);
    b.field("cpu", other_state);
    std::vector<RegisterDifference> differences;
    for (std::size_t i = 0; i < a.fields().size(); ++i) {
        const Field& one = a.fields()[i];
        const Field& other = b.fields()[i];
        if (one.value != other.value) differences.push_back({one.name, one.value, other.value});
    }
    return differences;
}

std::vector<MemoryDifference> memory_differences(const PhysicalMemory& interpreter, const PhysicalMemory& translator,
                                                 std::size_t most) {
    std::vector<MemoryDifference> differences;
    const auto look = [&](u64 offset) {
        std::optional<MemoryDifference> found = difference_at(interpreter, translator, offset);
        const auto same_page = [&](const MemoryDifference& known) {
            return known.address.page() == found->address.page();
        };
        if (found && std::none_of(differences.begin(), differences.end(), same_page)) differences.push_back(*found);
        return differences.size() < most;
    };
    for_each_backed_page(interpreter, look);
    if (differences.size() < most) for_each_backed_page(translator, look);
    return differences;
}

std::optional<MemoryDifference> page_difference(const PhysicalMemory& interpreter, const PhysicalMemory& translator,
                                                Physical page) {
    const u64 low = interpreter.low_ram_bytes();
    const u64 offset = page.value < low ? page.value : page.value - PhysicalMemory::kHighRamBase + low;
    return difference_at(interpreter, translator, offset);
}

}  // namespace bantam::lockstep
