#include "tests/oracle/guest_cpu.h"

#include "cpu/interpreter/interpreter.h"
#include "jit/translator.h"
#include "tests/empty_environment.h"

namespace bantam::oracle {
namespace {

// Physical layout: page tables, system tables, then the arena.
constexpr u64 kPml4 = 0x1000, kPdpt = 0x2000, kPageDirectory = 0x3000, kArenaTable = 0x4000, kSystemTable = 0x5000;
constexpr u64 kGdt = 0x6000, kIdt = 0x7000, kTss = 0x8000, kHandlers = 0x9000, kSupervisorStack = 0xA000;
constexpr u64 kArenaPhysical = 0x20000;
constexpr u64 kSystemPdpt = 0xB000, kSystemDirectory = 0xC000;
// Supervisor pages: tables, handlers, stack, mapped 1:1 from physical 0; where no comparable program reaches.
constexpr u64 kSystemLinear = 0xFFFF'8000'0000'0000;
constexpr u64 kStackTop = kSystemLinear + kSupervisorStack + kPageSize;
constexpr u64 kHandlerStride = 16;
constexpr u64 kMappedPhysical = kArenaPhysical + kMappedFrom;
constexpr u64 kPresent = 1, kWritable = 2, kUser = 4;

std::unique_ptr<PhysicalMemory> make_memory() {
    auto memory = PhysicalMemory::create(u64{1} << 20);
    CHECK(memory.ok());
    return std::move(memory.value());
}
Model host_model() {
    auto model = Model::find("host");
    CHECK(model.ok());
    return model.value();
}

}  // namespace

struct GuestCpu::Parts {
    Model model = host_model();
    std::unique_ptr<PhysicalMemory> memory = make_memory();
    EmptyEnvironment environment;
    std::unique_ptr<Cpu> owner = std::make_unique<Cpu>(model, *memory, environment);
    Cpu& cpu = *owner;
    std::unique_ptr<Interpreter> engine = std::move(Interpreter::create(cpu).value());

    void poke(u64 physical, u64 value) {
        memory->copy_in(Physical{physical}, std::span(reinterpret_cast<const u8*>(&value), 8));
    }
    [[nodiscard]] u64 peek(u64 physical) const { return memory->peek(Physical{physical}, 8); }

    void build_tables() {
        poke(kPml4, kPdpt | kPresent | kWritable | kUser);
        poke(kPdpt, kPageDirectory | kPresent | kWritable | kUser);
        poke(kPageDirectory + 8 * (kArenaBase >> 21), kArenaTable | kPresent | kWritable | kUser);
        poke(kPml4 + 8 * (kSystemLinear >> 39 & 511), kSystemPdpt | kPresent | kWritable);
        poke(kSystemPdpt, kSystemDirectory | kPresent | kWritable);
        poke(kSystemDirectory, kSystemTable | kPresent | kWritable);
        constexpr u64 kNoExecute = u64{1} << 63;
        for (u64 offset = kMappedFrom; offset < kMappedTo; offset += kPageSize) {
            u64 entry = (kArenaPhysical + offset) | kPresent | kUser;
            if (offset != kReadOnlyPage) entry |= kWritable;
            if (offset < kCodePage || offset >= kStackPage) entry |= kNoExecute;
            poke(kArenaTable + 8 * (offset / kPageSize), entry);
        }
        for (u64 offset = 0; offset < 0x10000; offset += kPageSize) {
            poke(kSystemTable + 8 * (offset / kPageSize), offset | kPresent | kWritable);
        }
        poke(kGdt + 8, 0x00AF9B000000FFFF);  // 08h: 64-bit code, DPL 0
        for (u64 vector = 0; vector < 32; ++vector) {
            const u64 target = kSystemLinear + kHandlers + vector * kHandlerStride;
            const u64 dpl = vector == 3 || vector == 4 ? 3 : 0;  // as Linux has it
            poke(kIdt + 16 * vector,
                 (target & 0xFFFF) | u64{8} << 16 | (0x8E00 | dpl << 13) << 32 | (target >> 16 & 0xFFFF) << 48);
            poke(kIdt + 16 * vector + 8, target >> 32);
            poke(kHandlers + vector * kHandlerStride, 0xF4);  // HLT
        }
        poke(kTss + 4, kStackTop);             // RSP0
        poke(kTss + 0x60, u64{0xFFFF} << 48);  // no I/O permission bitmap
    }

    void set_system_registers() {
        CpuState& s = cpu.state;
        s.cr0 = 0x80050033;          // PG AM WP NE ET MP PE
        s.cr4 = 0x000406A0 | 0x100;  // PAE PGE OSFXSR OSXMMEXCPT OSXSAVE, PCE
        s.cr3 = kPml4;
        s.efer = 0xD01;  // NXE LMA LME SCE
        s.xcr0 = 7;
        s.gdtr = {kSystemLinear + kGdt, 0xFFF};
        s.idtr = {kSystemLinear + kIdt, 32 * 16 - 1};
        s.tr = {};
        s.tr.selector = 0x40;
        s.tr.attributes = 0x8B;
        s.tr.limit = 0x67;
        s.tr.hidden_base = kSystemLinear + kTss;
    }

    void set_segments(isa::CodeSize mode) {
        cpu.state.cpl = 3;
        u16 code_selector = 0x33;
        u16 data_selector = 0x2B;
        u16 code_attributes = 0xA0FB;
        u16 data_attributes = 0xC0F3;
        u64 base = 0;
        u32 limit = 0xFFFFFFFF;
        if (mode == isa::CodeSize::bits32) {
            code_selector = 0x23;
            code_attributes = 0xC0FB;
        } else if (mode == isa::CodeSize::bits16) {
            code_selector = 0x07;
            data_selector = 0x0F;
            code_attributes = 0x00FB;
            data_attributes = 0x00F3;
            base = kArenaBase;
            limit = 0xFFFF;
        }
        cpu.set_segment(kCs, code_selector, base, limit, code_attributes);
        for (const unsigned data : {kEs, kSs, kDs}) cpu.set_segment(data, data_selector, base, limit, data_attributes);
        for (const unsigned null : {kFs, kGs}) cpu.set_segment(null, 0, 0, 0, 0);
    }

    void load(const ProgramState& initial) {
        CpuState& s = cpu.state;
        for (std::size_t reg = 0; reg < 16; ++reg) s.gpr[reg] = initial.gpr[reg];
        s.rip() = initial.rip;
        s.set_eflags(initial.eflags);
        s.x87 = initial.fxsave;
        std::memcpy(&s.mxcsr, initial.fxsave.data() + 24, 4);
        for (std::size_t reg = 0; reg < 16; ++reg) {
            std::memcpy(s.vector[reg].bytes.data(), initial.fxsave.data() + 160 + 16 * reg, 16);
            std::memcpy(s.vector[reg].bytes.data() + 16, initial.ymm_high[reg].data(), 16);
        }
        s.x87_instruction_pointer = s.x87_data_pointer = s.x87_last_data_pointer = 0;
        s.x87_code_segment = s.x87_data_segment = s.x87_last_data_segment = 0;
        s.x87_opcode = s.x87_last_opcode = 0;
        s.attention = 0;
        s.step_armed = s.resume_armed = false;
        s.pending_debug = 0;
        s.dr[6] = 0xFFFF0FF0;
    }

    void store(ProgramState& final_state) {
        const CpuState& s = cpu.state;
        for (std::size_t reg = 0; reg < 16; ++reg) final_state.gpr[reg] = s.gpr[reg];
        final_state.fxsave = s.x87;
        std::memcpy(final_state.fxsave.data() + 24, &s.mxcsr, 4);
        for (std::size_t reg = 0; reg < 16; ++reg) {
            std::memcpy(final_state.fxsave.data() + 160 + 16 * reg, s.vector[reg].bytes.data(), 16);
            std::memcpy(final_state.ymm_high[reg].data(), s.vector[reg].bytes.data() + 16, 16);
        }
    }
};

GuestCpu::GuestCpu(Engine engine) : parts_(std::make_unique<Parts>()) {
    parts_->build_tables();
    if (engine == Engine::interpreter) return;
    auto translator = jit::Translator::create(
        parts_->cpu, {.threshold = 0, .windows_at_once = engine == Engine::translator_with_windows});
    CHECK(translator.ok());
    parts_->engine->set_block_runner(std::move(translator.value()));
}
GuestCpu::~GuestCpu() = default;

const Model& GuestCpu::model() const { return parts_->model; }

Outcome GuestCpu::run(isa::CodeSize mode, const ProgramState& initial, const Arena& arena, u64 most_instructions) {
    Parts& p = *parts_;
    for (u64 page = 0; page < kMappedBytes; page += kPageSize) {
        if (std::memcmp(this->arena() + page, arena.bytes.data() + page, kPageSize) == 0) continue;
        p.memory->copy_in(Physical{kMappedPhysical + page}, std::span(arena.bytes).subspan(page, kPageSize));
    }
    p.set_system_registers();
    p.cpu.update_mode();
    p.set_segments(mode);
    p.load(initial);
    p.cpu.update_mode();
    p.cpu.state.deadline = p.cpu.state.instructions + most_instructions;
    const EngineExit exit = p.engine->run();
    Outcome outcome;
    outcome.ended = exit == EngineExit::halted;
    p.store(outcome.state);
    // A program that made itself a SYSCALL without a stack to fault on; only RESET leaves shutdown.
    if (exit == EngineExit::shutdown) p.cpu.reset();
    if (!outcome.ended) return outcome;
    // RIP is behind the HLT of the vector's handler; the frame tells the interrupted state.
    outcome.vector = static_cast<u8>((p.cpu.state.rip() - 1 - kSystemLinear - kHandlers) / kHandlerStride);
    u64 frame = p.cpu.state.gpr[kRsp] - kSystemLinear;
    constexpr u32 kWithErrorCode = 1u << 8 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 14 | 1u << 17;
    if ((kWithErrorCode >> outcome.vector & 1u) != 0) {
        outcome.error_code = static_cast<u32>(p.peek(frame));
        frame += 8;
    }
    outcome.cr2 = p.cpu.state.cr2;
    outcome.state.rip = p.peek(frame);
    outcome.state.eflags = static_cast<u32>(p.peek(frame + 16));
    outcome.state.gpr[kRsp] = p.peek(frame + 24);
    return outcome;
}

GuestCpu::Trace GuestCpu::trace(isa::CodeSize mode, const ProgramState& initial, const Arena& arena,
                                u64 most_instructions) {
    Trace result;
    parts_->engine->set_tracer([&](Cpu& cpu, const isa::Instruction& instruction) {
        if (cpu.state.cpl != 3) return;
        result.executed.push_back(instruction);
        result.last_rip = cpu.state.rip();
    });
    run(mode, initial, arena, most_instructions);
    parts_->engine->set_tracer(nullptr);
    return result;
}

const u8* GuestCpu::arena() const { return parts_->memory->plain_ram(Physical{kMappedPhysical}); }

}  // namespace bantam::oracle
