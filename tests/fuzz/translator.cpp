// libFuzzer target: the translator against the interpreter. An input is a program for one of seven modes, made of whole
// instructions that matter (arithmetic on memory, branches, calls, writes to the program itself, strings, SSE, x87) and
// of raw bytes, and a list of events between slices: interrupts, NMI, DMA into the program, page-table changes, the A20
// gate. Both run it slice by slice and must have the same registers after each, and the same memory after some and at
// the end.
//
// Faults return to the program by handlers at CPL 0. What a program does to its page tables, or by loading other ones,
// is not compared any more: engines may fill their TLBs at different times.
#include "jit/translator.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <span>

#include "base/check.h"
#include "cpu/interpreter/block_watch.h"
#include "cpu/interpreter/interpreter.h"
#include "machine/lockstep/compare.h"
#include "tests/empty_environment.h"

using namespace bantam;

namespace {

constexpr u64 kRamBytes = u64{8} << 20;
constexpr u64 kPml4 = 0x1000, kPdpt = 0x2000, kPaeDirectory = 0x3000, kPaeLow = 0x4000, kPaeHigh = 0x5000;
constexpr u64 kDirectory = 0x6000, kLow = 0x7000, kHigh = 0x8000;
constexpr u64 kGdt = 0x9000, kIdt = 0xA000, kTss = 0xB000, kHandlers = 0xC000, kSystemStack = 0xF000;
constexpr u64 kCode = 0x400000, kCodePages = 2, kAlias = 0x402000;  // the alias shows the first code page
constexpr u64 kData = 0x500000, kDataPages = 4, kReadOnly = 0x504000, kStack = 0x506000;
constexpr u64 kMostInstructions = 3000;
constexpr u64 kPresent = 1, kWritable = 2, kUser = 4;

enum Mode : unsigned { kLong3, kLong0, kCompatibility3, kPaged3, kPaged0, kFlat0, kSixteen3, kModes };

struct ModeFacts {
    u16 code, data, code_attributes;
    bool long_mode, paging;
    u64 code_base;
};
constexpr std::array<ModeFacts, kModes> kModeFacts{{{0x3B, 0x23, 0xA0FB, true, true, 0},
                                                    {0x30, 0x10, 0xA09B, true, true, 0},
                                                    {0x1B, 0x23, 0xC0FB, true, true, 0},
                                                    {0x1B, 0x23, 0xC0FB, false, true, 0},
                                                    {0x08, 0x10, 0xC09B, false, true, 0},
                                                    {0x08, 0x10, 0xC09B, false, false, 0},
                                                    {0x53, 0x23, 0x80FB, false, true, kCode}}};

/// The input, byte by byte; zeros when it is used up.
class Input {
public:
    Input(const u8* data, std::size_t size) : rest_(data, size) {}
    [[nodiscard]] bool empty() const { return rest_.empty(); }
    u8 byte() {
        if (rest_.empty()) return 0;
        const u8 value = rest_.front();
        rest_ = rest_.subspan(1);
        return value;
    }
    u32 word() { return byte() | static_cast<u32>(byte()) << 8; }

private:
    std::span<const u8> rest_;
};

/// Ports count instructions and can raise the interrupt line.
class Ports final : public EmptyEnvironment {
public:
    Cpu* cpu = nullptr;
    u32 read_port(u16 port, unsigned) override { return port * 0x01010101u + static_cast<u32>(cpu->retired()); }
    void write_port(u16, unsigned, u32 value) override {
        if ((value & 1) != 0) cpu->set_intr(true);
    }
    u8 acknowledge_interrupt() override {
        cpu->set_intr(false);
        return 0x20;
    }
    u64 now_ns() override { return cpu->retired(); }
};

/// What it is told of depends on the guest alone.
class Blocks final : public BlockWatch {
public:
    explicit Blocks(const Cpu& cpu) : cpu_(cpu) {}
    u64* decoded(const interpreter::Block&) override { return &counted_; }
    [[nodiscard]] bool each_execution() const override { return true; }
    void executing(const interpreter::Block& block) override {
        constexpr u64 kPrime = 0x100000001B3;
        for (const u64 seen : {cpu_.state.rip(), cpu_.retired(), block.start.value, u64{block.count}})
            sum_ = (sum_ ^ seen) * kPrime;
        ++told_;
    }
    [[nodiscard]] bool same_as(const Blocks& other) const {
        return sum_ == other.sum_ && told_ == other.told_ && counted_ == told_ && other.counted_ == other.told_;
    }

private:
    const Cpu& cpu_;
    u64 sum_ = 0, told_ = 0, counted_ = 0;
};

class Board {
public:
    enum class Engine { interpreter, tlb, windows, both };
    explicit Board(Engine engine)
        : model_(std::move(Model::find("default").value())),
          memory_(std::move(PhysicalMemory::create(kRamBytes).value())),
          cpu_(std::make_unique<Cpu>(model_, *memory_, ports_)),
          engine_(std::move(Interpreter::create(*cpu_).value())) {
        ports_.cpu = cpu_.get();
        if (engine == Engine::interpreter) return;
        Result<std::unique_ptr<jit::Translator>> made = jit::Translator::create(
            *cpu_, {.threshold = 1, .some_by_tlb = engine == Engine::both, .windows_at_once = engine != Engine::tlb});
        if (!made) {
            fmt::print(stderr, "{}\n", made.error().message);
            std::abort();
        }
        engine_->set_block_runner(std::move(made.value()));
    }
    [[nodiscard]] Cpu& cpu() { return *cpu_; }
    [[nodiscard]] CpuState& state() { return cpu_->state; }
    [[nodiscard]] PhysicalMemory& memory() { return *memory_; }

    /// Power-on: nothing of an earlier input is left.
    void clear(bool watched) {
        blocks_ = watched ? std::make_unique<Blocks>(*cpu_) : nullptr;
        engine_->set_block_watch(blocks_.get());
        memory_->set_a20(true);
        engine_->reset();
        CHECK(::fallocate(memory_->ram_fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, kRamBytes) == 0);
        cpu_->state = CpuState{};
        cpu_->reset();
        cpu_->set_intr(false);
        cpu_->mmu.flush_all();
    }
    EngineExit run(u64 until) {
        cpu_->state.deadline = until;
        return engine_->run();
    }
    [[nodiscard]] bool same_blocks(const Board& other) const { return !blocks_ || blocks_->same_as(*other.blocks_); }
    void put(u64 at, u64 value, unsigned size) { memory_->write(Physical{at}, size, value); }
    void put(u64 at, std::span<const u8> bytes) { memory_->copy_in(Physical{at}, bytes); }

private:
    Model model_;
    std::unique_ptr<PhysicalMemory> memory_;
    Ports ports_;
    std::unique_ptr<Cpu> cpu_;
    std::unique_ptr<Blocks> blocks_;  // null: nobody watches
    std::unique_ptr<Interpreter> engine_;
};

// --- the machine that programs find

/// The entry for linear page `page`; bit 0 clear: nothing is there.
u64 entry_for(u64 page) {
    if (page < u64{1} << 20)
        return page >= kPml4 && page < kGdt ? 0 : page | kPresent | (page >= 0xE000 ? kWritable : 0);
    if (page == kAlias) return kCode | kPresent | kWritable | kUser;
    if (page == kReadOnly) return page | kPresent | kUser;
    const bool there = (page >= kCode && page < kCode + kCodePages * kPageSize) ||
                       (page >= kData && page < kData + kDataPages * kPageSize) || page == kStack - kPageSize;
    return there ? page | kPresent | kWritable | kUser : 0;
}

void write_page_tables(Board& board) {
    constexpr u64 kAll = kPresent | kWritable | kUser;
    board.put(kPml4, kPdpt | kAll, 8);
    board.put(kPdpt, kPaeDirectory | kAll, 8);
    board.put(kPaeDirectory, kPaeLow | kAll, 8);
    board.put(kPaeDirectory + 8 * 2, kPaeHigh | kAll, 8);
    board.put(kDirectory, kLow | kAll, 4);
    board.put(kDirectory + 4, kHigh | kAll, 4);
    for (u64 page = 0; page < u64{1} << 20; page += kPageSize) {
        board.put(kPaeLow + page / kPageSize * 8, entry_for(page), 8);
        board.put(kLow + page / kPageSize * 4, entry_for(page), 4);
    }
    for (u64 page = kCode; page < kCode + 0x200000; page += kPageSize) {
        board.put(kPaeHigh + (page - kCode) / kPageSize * 8, entry_for(page), 8);
        board.put(kHigh + (page - kCode) / kPageSize * 4, entry_for(page), 4);
    }
}

void write_descriptor(Board& board, u16 selector, u64 base, u32 limit, u16 attributes) {
    const u64 low = (limit & 0xFFFF) | (base & 0xFFFFFF) << 16 | u64{attributes & 0xFFu} << 40;
    const u64 high = u64{limit >> 16 & 0xF} << 48 | u64{attributes >> 12 & 0xFu} << 52 | (base >> 24 & 0xFF) << 56;
    board.put(kGdt + (selector & ~7u), low | high, 8);
}

/// A handler per vector: drops the error code and returns to a place in the program that follows from the vector.
void write_interrupt_table(Board& board, const ModeFacts& mode) {
    for (u64 vector = 0; vector < 256; ++vector) {
        const bool error_code = vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;
        const u64 at = kHandlers + vector * 16;
        const u64 resume = kCode + (vector * 64 & 0xFC0) - mode.code_base;
        std::vector<u8> code;
        const u8 size = mode.long_mode ? 8 : 4;
        if (error_code && mode.long_mode) code.push_back(0x48);
        if (error_code) code.insert(code.end(), {0x83, 0xC4, size});  // add (r|e)sp, size
        if (mode.long_mode) code.push_back(0x48);
        code.insert(code.end(), {0xC7, 0x04, 0x24});  // mov [(r|e)sp], resume
        for (unsigned shift = 0; shift < 32; shift += 8) code.push_back(static_cast<u8>(resume >> shift));
        if (mode.long_mode) code.push_back(0x48);
        code.push_back(0xCF);  // iret
        board.put(at, code);
        const u64 selector = mode.long_mode ? 0x30 : 0x08;
        const u64 gate = (at & 0xFFFF) | selector << 16 | u64{0xEE} << 40 | (at >> 16) << 48;
        board.put(kIdt + vector * (mode.long_mode ? 16 : 8), gate | (mode.long_mode ? u64{1} << 32 : 0), 8);  // IST 1
    }
}

void set_up(Board& board, Mode which, Input& input) {
    const ModeFacts& mode = kModeFacts.at(which);
    CpuState& s = board.state();
    Cpu& cpu = board.cpu();
    write_page_tables(board);
    write_descriptor(board, 0x08, 0, 0xFFFFF, 0xC09B);
    write_descriptor(board, 0x10, 0, 0xFFFFF, 0xC093);
    write_descriptor(board, 0x18, 0, 0xFFFFF, 0xC0FB);
    write_descriptor(board, 0x20, 0, 0xFFFFF, 0xC0F3);
    write_descriptor(board, 0x30, 0, 0xFFFFF, 0xA09B);
    write_descriptor(board, 0x38, 0, 0xFFFFF, 0xA0FB);
    write_descriptor(board, 0x50, kCode, 0xFFFF, 0x00FB);
    write_interrupt_table(board, mode);
    board.put(kTss + 4, kSystemStack, 8);  // ESP0, SS0 below; RSP0
    if (!mode.long_mode) board.put(kTss + 8, 0x10, 4);
    board.put(kTss + 0x24, kSystemStack, 8);  // IST1
    s.gdtr = {kGdt, 0xFFF};
    s.idtr = {kIdt, 0xFFF};
    s.tr = {.selector = 0x40, .attributes = 0x8B, .limit = 0x67, .hidden_base = kTss, .base = kTss};
    s.cr0 = 0x10033 | (mode.paging ? 0x80000000u : 0);
    s.cr4 = 0x640 | (mode.long_mode ? 0x20u : 0);  // OSFXSR, OSXMMEXCPT, MCE, PAE
    s.cr3 = mode.long_mode ? kPml4 : kDirectory;
    s.efer = mode.long_mode ? 0xD01 : 0;
    s.cpl = mode.code & 3;
    for (unsigned segment = 0; segment < kSegmentCount; ++segment) {
        cpu.set_segment(segment, mode.data, 0, 0xFFFFFFFF, s.cpl == 3 ? 0xC0F3 : 0xC093);
    }
    cpu.set_segment(kCs, mode.code, mode.code_base, which == kSixteen3 ? 0xFFFF : 0xFFFFFFFF,
                    which == kSixteen3 ? 0x00FB : mode.code_attributes);
    constexpr std::array<u64, 8> kPointers{kData, kData + 0xFF8, kData + 0x1FFE, kReadOnly,
                                           kCode, kAlias,        kStack - 64,    3};
    for (unsigned reg = 0; reg < 16; ++reg) {
        const u8 choice = input.byte();
        s.gpr[reg] = choice < 0xC0 ? kPointers[choice % 8] + (choice >> 3) : ~u64{0} >> (choice & 63);
        if (!mode.long_mode || which == kCompatibility3) s.gpr[reg] = reg < 8 ? s.gpr[reg] & 0xFFFFFFFF : 0;
    }
    // PERF: else most of the time goes into REP.
    if (input.byte() % 8 != 0) s.gpr[kRcx] &= 0x3F;
    s.gpr[kRsp] = kStack - 0x100;
    s.set_eflags(kFlagReserved1 | kFlagInterrupt | (input.byte() % 4 == 0 ? u32{kFlagIopl} : 0));
    s.rip() = kCode - mode.code_base;
    cpu.update_mode();
}

// --- programs

/// Writes one instruction, or a few bytes of anything, to `code`.
void add_instruction(std::vector<u8>& code, Input& input) {
    const u8 kind = input.byte();
    const u8 a = input.byte();
    const u8 b = input.byte();
    const auto put = [&code](std::initializer_list<unsigned> bytes) {
        for (const unsigned byte : bytes) code.push_back(static_cast<u8>(byte));
    };
    switch (kind % 16) {
        case 0:  // ALU, register and register or memory with any address form
        case 1:
            return put({(a & 0x38u) | (a & 3u), b & 0xFFu, input.byte(), input.byte(), 0, 0, 0});
        case 2:  // ALU [rsi or rdi + disp8]
        case 3:
            return put({(a & 0x38u) | (a & 3u), 0x46u | (b & 0x39u), b});
        case 4:  // Jcc a little forwards or backwards
            return put({0x70u | (a & 15u), (b & 0x3Fu) - 0x10u});
        case 5:
            return put({0x50u | (a & 15u)});  // PUSH, POP
        case 6:
            return put({0xE8, b & 0x3Fu, 0, 0, 0});  // CALL
        case 7:
            return put({(a & 1u) != 0 ? 0xC3u : 0xE2u, (b & 0x1Fu) - 0x18u});  // RET; LOOP
        case 8:  // mov byte [program], imm8 by RIP or as an absolute address, page and alias
            return put({0xC6, 0x05, a, (b & 0x2Fu), 0x40, 0x00, input.byte()});
        case 9:
            return put({0xF3u - (a & 1u), 0xA4u | (b & 0x0Bu)});  // REP strings
        case 10:
            return put({0x0F, a, b, input.byte()});
        case 11:  // SSE2 with a prefix
            return put({(a & 1u) != 0 ? 0x66u : 0xF2u | (a & 1u), 0x0F, 0x50u | (a >> 1 & 0x2Fu), b});
        case 12:
            return put({0xD8u | (a & 7u), b, input.byte()});  // x87
        case 13:
            return put({0x48u | (a & 7u), 0x01u | (b & 0x3Au), input.byte(), input.byte()});  // REX, or INC and DEC
        case 14:
            return put({0xE6u | (a & 9u), b});  // IN, OUT
        default:
            for (unsigned count = a % 15 + 1; count > 0; --count) code.push_back(input.byte());
            return;
    }
}

std::vector<u8> make_program(Input& input) {
    std::vector<u8> code;
    const unsigned instructions = 8 + input.byte();
    for (unsigned i = 0; i < instructions && code.size() + 32 < kCodePages * kPageSize; ++i)
        add_instruction(code, input);
    code.insert(code.end(), {0xEB, 0x80});  // some way back
    return code;
}

// --- events

void change_page(Board& board, u64 page, u64 flip) {
    const u64 index = (page - kCode) / kPageSize;
    const u64 entry = board.memory().peek(Physical{kPaeHigh + 8 * index}, 8) ^ flip;
    board.put(kPaeHigh + 8 * index, entry, 8);
    board.put(kHigh + 4 * index, board.memory().peek(Physical{kHigh + 4 * index}, 4) ^ flip, 4);
    board.cpu().mmu.flush_page({page});
}

struct Event {
    u8 kind, a, b;
};

void happen(Board& board, const Event& event) {
    constexpr std::array<u64, 8> kPages{kCode,     kCode + kPageSize,  kAlias,  kData, kData + kPageSize,
                                        kReadOnly, kStack - kPageSize, 0x505000};
    const u64 page = kPages[event.a & 7];
    switch (event.kind % 8) {
        case 0:
        case 1:
            return board.cpu().set_intr(true);
        case 2:
            return board.cpu().pulse_nmi();
        case 3:  // DMA into the program
            return board.put(kCode + event.a * 4u, std::span(&event.b, 1));
        case 4:
            return change_page(board, page, (event.a & 8) != 0 ? kPresent : kWritable);
        case 5:  // another page of code in its place
            return change_page(board, kCode + (event.a & 1u) * kPageSize, u64{1} << 20);
        case 6:
            return board.memory().set_a20((event.b & 1) != 0);
        default:
            return;
    }
}

struct Controls {
    u64 cr0, cr3, cr4, efer;
    bool operator==(const Controls&) const = default;
};
Controls controls_of(const CpuState& s) { return {s.cr0 & 0x80010001, s.cr3, s.cr4, s.efer}; }

void compare(Board& interpreted, Board& translated, bool with_memory) {
    std::vector<lockstep::MemoryDifference> memory;
    if (with_memory) memory = lockstep::memory_differences(interpreted.memory(), translated.memory(), 4);
    if (lockstep::same_registers(interpreted.state(), translated.state()) && memory.empty()) return;
    const auto registers = lockstep::register_differences(interpreted.state(), translated.state());
    if (registers.empty() && memory.empty()) return;
    for (const auto& r : registers)
        fmt::print(stderr, "{}: interpreter {} translator {}\n", r.name, r.interpreter, r.translator);
    for (const auto& m : memory) fmt::print(stderr, "memory at {:x} differs\n", m.address.value);
    fmt::print(stderr, "after {} instructions\n", translated.state().instructions);
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size) {
    static Board interpreted(Board::Engine::interpreter);
    static std::array translated_boards{std::make_unique<Board>(Board::Engine::tlb),
                                        std::make_unique<Board>(Board::Engine::windows),
                                        std::make_unique<Board>(Board::Engine::both)};
    if (size < 32) return 0;
    Input input(data, size);
    const u8 chosen = input.byte();
    const auto mode = static_cast<Mode>(chosen % kModes);
    const bool watched = chosen / kModes % 4 == 3;
    Board& translated = *translated_boards.at(chosen / kModes / 4 % translated_boards.size());
    const Input registers = input;
    for (Board* board : {&interpreted, &translated}) {
        Input same = registers;
        board->clear(watched);
        set_up(*board, mode, same);
        input = same;
    }
    const std::vector<u8> program = make_program(input);
    for (Board* board : {&interpreted, &translated}) board->put(kCode, program);

    const Controls controls = controls_of(interpreted.state());
    // PERF: comparing memory takes a thousand times as long as a slice.
    constexpr unsigned kSlicesBetweenMemory = 64;
    u64 until = 0;
    for (unsigned slice = 1; until < kMostInstructions; ++slice) {
        // Long slices let blocks be linked; short ones end in the middle of them.
        const u8 length = input.byte();
        until += length < 128 ? 1 + length % 16u : 4u * length;
        const EngineExit exit = interpreted.run(until);
        const bool same_exit = translated.run(until) == exit;
        if (controls_of(interpreted.state()) != controls || controls_of(translated.state()) != controls) return 0;
        const bool last = exit != EngineExit::deadline || until >= kMostInstructions;
        compare(interpreted, translated, last || slice % kSlicesBetweenMemory == 0);
        if (!same_exit) std::abort();
        if (!interpreted.same_blocks(translated)) {
            fmt::print(stderr, "the blocks differ after {} instructions\n", until);
            std::abort();
        }
        if (exit == EngineExit::shutdown) return 0;
        Event event{input.byte(), input.byte(), input.byte()};
        if (exit == EngineExit::halted) {
            if ((interpreted.state().flags & kFlagInterrupt) == 0) return 0;
            event.kind = 0;
        }
        for (Board* board : {&interpreted, &translated}) happen(*board, event);
    }
    return 0;
}
