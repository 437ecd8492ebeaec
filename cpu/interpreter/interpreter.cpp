#include "cpu/interpreter/interpreter.h"

#include <algorithm>
#include <tuple>

#include "cpu/host/x87_unit.h"
#include "cpu/interpreter/block_watch.h"
#include "cpu/interpreter/handlers.h"
#include "cpu/interpreter/patched.h"
#include "cpu/isa/table.h"
#include "cpu/system/debug.h"
#include "cpu/system/handlers.h"
#include "cpu/system/interrupt.h"

namespace bantam {

using interpreter::Block;
using isa::Instruction;

namespace {

void raise_invalid_opcode(Cpu& cpu, const Instruction&) { cpu.raise(Vector::invalid_opcode); }
void raise_too_long(Cpu& cpu, const Instruction&) { cpu.raise(Vector::general_protection, 0); }

/// The instruction that stands for bytes which do not decode: executing it raises what fetching them would.
Instruction fault_instruction(isa::DecodeStatus status) {
    Instruction instruction;
    instruction.handler = status == isa::DecodeStatus::too_long ? &raise_too_long : &raise_invalid_opcode;
    instruction.length = 1;
    instruction.next_offset = 1;
    return instruction;
}

/// Bytes on which it depends that `refused` is what stands there.
u64 looked_at(isa::DecodeStatus status, const Instruction& refused) {
    return status == isa::DecodeStatus::too_long ? isa::kLongestInstruction : refused.length;
}

}  // namespace

Result<std::unique_ptr<Interpreter>> Interpreter::create(Cpu& cpu) {
    auto host = host::HostExecutor::create();
    if (!host) return host.error();
    return std::unique_ptr<Interpreter>(new Interpreter(cpu, std::move(host.value())));
}

Interpreter::Interpreter(Cpu& cpu, std::unique_ptr<host::HostExecutor> host)
    : cpu_(cpu),
      cache_(cpu.mmu,
             [this] {
                 ++cpu_.code_changes;
                 end_block_early();
             }),
      host_(std::move(host)),
      jumps_(kJumpEntries) {
    cpu_.block_break = [](void* context) { static_cast<Interpreter*>(context)->end_block_early(); };
    cpu_.deadline_reader = [](void* context) { static_cast<Interpreter*>(context)->follow_deadline(); };
    cpu_.block_break_context = this;
    cpu_.retired_source = [](const void* context) { return static_cast<const Interpreter*>(context)->retired(); };
    cpu_.in_flight_source = [](const void* context) { return static_cast<const Interpreter*>(context)->in_flight(); };
    cpu_.retired_context = this;
}

Interpreter::~Interpreter() {
    cache_.set_runner(nullptr);
    cpu_.block_break = nullptr;
    cpu_.deadline_reader = nullptr;
    cpu_.retired_source = nullptr;
    cpu_.in_flight_source = nullptr;
}

void Interpreter::reset() { cache_.clear(); }

void Interpreter::set_block_watch(BlockWatch* watch) {
    cpu_.block_watch = watch;
    update_supervised();
    reset();
}

void Interpreter::set_block_runner(std::unique_ptr<interpreter::BlockRunner> runner) {
    runner_ = std::move(runner);
    cache_.set_runner(runner_.get());
}

std::unique_ptr<interpreter::BlockRunner> Interpreter::take_block_runner() {
    cache_.set_runner(nullptr);
    return std::move(runner_);
}

u64 Interpreter::retired() const {
    if (running_translated()) return runner_->retired();
    return cpu_.state.instructions + static_cast<u64>(current_ - begin_);
}

void Interpreter::follow_deadline() {
    if (running_translated()) return runner_->deadline_moved();
    const CpuState& s = cpu_.state;
    if (s.instructions + static_cast<u64>(end_ - begin_) > s.deadline) end_block_early();
}

Interpreter::Statistics Interpreter::statistics() const {
    Statistics result = statistics_;
    result.blocks_invalidated = cache_.invalidations();
    result.immediates_patched = cache_.patched();
    return result;
}

EngineExit Interpreter::run() {
    host::enter_fpu(cpu_.state);
    std::jmp_buf recovery;
    cpu_.recovery = &recovery;
    switch (setjmp(recovery)) {
        case 0:
            break;
        case kLeftInTheMidst:
            retire_partial_block();
            begin_anew();
            break;
        default:
            retire_partial_block();
            if (supervisor_ != nullptr && stops_at_exception()) return leave(EngineExit::stopped);
            // Delivery counts as an instruction, so that time passes even where every handler faults at once.
            ++cpu_.state.instructions;
            ++statistics_.exceptions;
            cpu_.state.rip() = cpu_.state.instruction_rip;
            deliver_exception(cpu_, cpu_.pending_exception);
            cpu_.recovery = &recovery;
    }
    return leave(run_loop());
}

EngineExit Interpreter::leave(EngineExit exit) {
    cpu_.recovery = nullptr;
    host::forget_unsettled_x87_pointers(cpu_);
    host::leave_fpu(cpu_.state);
    return exit;
}

bool Interpreter::stops_at_exception() {
    cpu_.state.rip() = cpu_.state.instruction_rip;
    if (!supervisor_->stops_at(cpu_.pending_exception)) return false;
    begin_anew();
    return true;
}

/// The instruction that was under way executes next: what was armed for it is armed again then.
void Interpreter::begin_anew() {
    CpuState& s = cpu_.state;
    s.rip() = s.instruction_rip;
    s.step_armed = s.resume_armed = false;
}

void Interpreter::retire_partial_block() {
    if (running_translated()) return runner_->abandon();
    cpu_.state.instructions += static_cast<u64>(current_ - begin_);
    begin_ = current_ = end_ = nullptr;
}

EngineExit Interpreter::run_loop() {
    CpuState& s = cpu_.state;
    for (;;) {
        // Before attention is served: what service_attention arms must be followed by the instruction it is for.
        if (s.instructions >= s.deadline) return EngineExit::deadline;
        if (supervised_) [[unlikely]] {
            if (const std::optional<EngineExit> exit = supervised_turn()) return *exit;
            continue;
        }
        bool one = false;
        if (s.attention != 0) {
            if (const std::optional<EngineExit> exit = attend(one)) return *exit;
        }
        s.instruction_rip = s.rip();
        Block& block = find_block();
        if (one || runner_ == nullptr || !runner_->run(block)) execute(block, one ? 1 : s.deadline - s.instructions);
    }
}

/// Serves attention; the exit to take, if any. `one`: becomes true where one instruction alone may follow.
std::optional<EngineExit> Interpreter::attend(bool& one) {
    switch (service_attention(cpu_)) {
        case Readiness::run:
            break;
        case Readiness::run_one:
            one = true;
            break;
        case Readiness::halted:
            return EngineExit::halted;
        case Readiness::stopped:
            return EngineExit::stopped;
        case Readiness::shutdown:
            return EngineExit::shutdown;
    }
    // Delivery may have made a deadline due: its frame can go to a chip's registers.
    if (cpu_.state.deadline <= cpu_.state.instructions) one = true;
    return std::nullopt;
}

/// A turn of run_loop under the eyes of a supervisor, a tracer or a block watch.
std::optional<EngineExit> Interpreter::supervised_turn() {
    using Turn = interpreter::Supervisor::Turn;
    CpuState& s = cpu_.state;
    const Turn turn = supervisor_ != nullptr ? supervisor_->before_turn() : Turn::run;
    if (turn == Turn::stop) return EngineExit::stopped;
    bool one = turn == Turn::run_one;
    const auto position = [&s] { return std::tuple(s.rip(), s.segment[kCs].selector, s.gpr[kRsp]); };
    const auto before = position();
    const bool shadow = (s.attention & kAttentionShadow) != 0, mov_ss = s.mov_ss_shadow;
    if (s.attention != 0) {
        if (const std::optional<EngineExit> exit = attend(one)) {
            const bool told =
                exit == EngineExit::shutdown && supervisor_ != nullptr && supervisor_->stops_at_shutdown();
            return told ? EngineExit::stopped : *exit;
        }
    }
    const bool delivered = position() != before;
    const auto put_off = [&] {  // service_attention shall find what it found, for the same instruction
        s.step_armed = s.resume_armed = false;
        if (shadow && !delivered) begin_interrupt_shadow(cpu_, mov_ss);
    };
    if (supervisor_ != nullptr && supervisor_->before_instruction(delivered)) {
        put_off();
        return EngineExit::stopped;
    }
    s.instruction_rip = s.rip();
    if (const std::span<const Instruction> rest = rest_of_block(); !rest.empty()) {
        execute_watched(*rest_.next.block, rest, one);
        return {};
    }
    Block& block = find_block();
    BlockWatch* const watch = cpu_.block_watch;
    const bool split = supervisor_ != nullptr && supervisor_->splits_at(block.start.page_offset());
    const bool interpreted = one || split || tracer_ || (watch != nullptr && watch->told(cpu_));
    if (!interpreted && runner_ != nullptr && runner_->run(block)) {
        if (watch != nullptr) note_rest(runner_->unfinished());
        return {};
    }
    if (watch != nullptr) {
        const u32 known = s.attention;
        watch->tell(cpu_, block);
        if ((s.attention & ~known) != 0 || !block.valid || s.deadline <= s.instructions) {
            put_off();
            return {};
        }
        execute_watched(block, {block.code, instructions_within_limit(block, s.rip())}, one);
        return {};
    }
    if (tracer_) trace(block.code[0]);
    execute(block, one || tracer_ ? 1 : s.deadline - s.instructions);
    return {};
}

/// What is left to execute of a block that was begun: nothing where something else comes next.
std::span<const Instruction> Interpreter::rest_of_block() {
    const CpuState& s = cpu_.state;
    const interpreter::Place next = rest_.next;
    if (next.block == nullptr || rest_.generation != cache_.generation() || !next.block->valid ||
        s.rip() != rest_.rip || s.instructions != rest_.instructions || next.block->mode_key != cpu_.mode_key()) {
        rest_ = {};
        return {};
    }
    // As for a block that begins here.
    Physical at;
    MemoryFault fault;
    const Linear linear = cpu_.wrap_linear(s.segment[kCs].base + s.rip());
    if (!cpu_.mmu.fetch(linear, cpu_.fetch_privilege(), at, fault)) cpu_.raise_page_fault(fault);
    const u64 offset = next.instruction->next_offset - next.instruction->length;
    if (at != next.block->start + offset) return {};
    const auto before = static_cast<u64>(next.instruction - next.block->code);
    return {next.instruction, instructions_within_limit(*next.block, s.rip() - offset) - before};
}

void Interpreter::note_rest(interpreter::Place next) {
    rest_ = {next, cpu_.state.rip(), cpu_.state.instructions, cache_.generation()};
}

void Interpreter::trace(const Instruction& next) {
    tracer_(cpu_, next.reads_immediate ? interpreter::with_immediate(cpu_, next) : next);
}

/// Executes instructions of a block, of which the first lies at CS:RIP, as far as it may, and notes what is left.
void Interpreter::execute_watched(const Block& block, std::span<const Instruction> code, bool one) {
    CpuState& s = cpu_.state;
    rest_ = {};
    if (code.empty()) cpu_.raise(Vector::general_protection, 0);
    if (tracer_) trace(code.front());
    const u64 most = one || tracer_ ? 1 : s.deadline - s.instructions;
    const u64 begin = s.instructions, base = s.rip() - (code.front().next_offset - code.front().length);
    execute_range(block, code.first(std::min<u64>(code.size(), most)));
    const u64 executed = s.instructions - begin;
    const Instruction* const next = next_in_block(block, code[executed - 1], s.rip() - base);
    if (next != nullptr) note_rest({&block, next});
}

/// Executes some instructions of a block, of which the first lies at CS:RIP.
inline void Interpreter::execute_range(const Block& block, std::span<const Instruction> code) {
    CpuState& s = cpu_.state;
    const u64 base = s.rip() - (code.front().next_offset - code.front().length);
    running_ = &block;
    begin_ = current_ = code.data();
    end_ = begin_ + code.size();
    const Instruction* i = begin_;
    do {
        current_ = i;
        s.instruction_rip = base + i->next_offset - i->length;
        s.rip() = base + i->next_offset;
        i->handler(cpu_, *i);
        ++i;
    } while (i != end_);
    s.instructions += static_cast<u64>(i - begin_);
    begin_ = current_ = end_ = nullptr;
}

void Interpreter::execute(const Block& block, u64 most) {
    CpuState& s = cpu_.state;
    u64 count = std::min<u64>(block.count, most);
    if (!cpu_.code64() && s.rip() + block.bytes - 1 > s.segment[kCs].limit) [[unlikely]] {
        count = std::min(count, instructions_within_limit(block, s.rip()));
        if (count == 0) cpu_.raise(Vector::general_protection, 0);
    }
    execute_range(block, {block.code, count});
}

Cpu::InFlight Interpreter::in_flight() const {
    const interpreter::Place place =
        running_translated() ? runner_->in_flight() : interpreter::Place{running_, current_};
    const Block& block = *place.block;
    if (block.valid) return Cpu::InFlight::watched;
    const Instruction& before = *place.instruction;
    std::array<u8, isa::kLongestInstruction> bytes;
    const Physical start = block.start + (before.next_offset - before.length);
    const std::size_t here = std::min<std::size_t>(before.length, kPageSize - start.page_offset());
    cpu_.mmu.memory().copy_out(start, std::span(bytes).first(here));
    if (block.second_page) {
        cpu_.mmu.memory().copy_out(*block.second_page, std::span(bytes).subspan(here, before.length - here));
    }
    Instruction now;
    const bool same =
        isa::decode(std::span(bytes).first(before.length), cpu_.decode_mode(), now) == isa::DecodeStatus::ok &&
        now.row == before.row && now.length == before.length && now.modrm == before.modrm &&
        now.operand_size == before.operand_size && now.address_size == before.address_size &&
        now.segment == before.segment && now.repeat == before.repeat && now.rex == before.rex &&
        now.immediate == before.immediate && now.displacement == before.displacement;
    return same ? Cpu::InFlight::intact : Cpu::InFlight::overwritten;
}

/// How many instructions of `block`, which begins at `rip`, lie wholly within the CS limit.
u64 Interpreter::instructions_within_limit(const Block& block, u64 rip) const {
    if (cpu_.code64()) return block.count;
    const u64 limit = cpu_.state.segment[kCs].limit;
    u64 count = 0;
    while (count < block.count && rip + block.code[count].next_offset - 1 <= limit) ++count;
    return count;
}

Block& Interpreter::find_block() {
    const Linear linear = cpu_.wrap_linear(cpu_.state.segment[kCs].base + cpu_.state.rip());
    JumpEntry& entry = jumps_[(linear.value ^ (linear.value >> 12)) & (kJumpEntries - 1)];
    if (entry.linear == linear.value && entry.mode_key == cpu_.mode_key() && entry.generation == generation() &&
        entry.block->valid) [[likely]] {
        return *entry.block;
    }
    return find_block_slowly(linear, entry);
}

Block& Interpreter::find_block_slowly(Linear linear, JumpEntry& entry) {
    if (cpu_.code64() ? !cpu_.canonical(linear.value) : cpu_.state.rip() > cpu_.state.segment[kCs].limit) {
        cpu_.raise(Vector::general_protection, 0);
    }
    const Privilege privilege = cpu_.fetch_privilege();
    Physical start;
    MemoryFault fault;
    if (!cpu_.mmu.fetch(linear, privilege, start, fault)) cpu_.raise_page_fault(fault);
    Block* block = cache_.find(start, cpu_.mode_key());
    if (block != nullptr && block->second_page) {
        // The page table may put another page behind this one today.
        Physical second;
        if (!cpu_.mmu.fetch(cpu_.wrap_linear(linear.page().value + kPageSize), privilege, second, fault)) {
            cpu_.raise_page_fault(fault);
        }
        if (second != *block->second_page) {
            cache_.code_written(start, 1);
            block = nullptr;
        }
    }
    if (block == nullptr) block = &build_block(start, linear);
    if (!block->second_page) entry = {linear.value, generation(), cpu_.mode_key(), block};
    return *block;
}

void Interpreter::bind(Instruction& instruction) {
    if (isa::Handler handler = interpreter::integer_handler(instruction)) {
        instruction.handler = handler;
    } else if (handler = system_handler(instruction); handler != nullptr) {
        instruction.handler = handler;
    } else if (handler = host_->handler_for(cpu_, instruction); handler != nullptr) {
        instruction.handler = handler;
    }
    CHECK(instruction.handler != nullptr);
}

Block& Interpreter::build_block(Physical start, Linear linear) {
    if (host_->nearly_full()) {
        cache_.clear();
        host_->flush();
    }
    std::array<u8, kPageSize> bytes;
    const std::size_t available = kPageSize - start.page_offset();
    const std::span<u8> code(bytes.data(),
                             std::min<std::size_t>(available, Block::kMostInstructions * isa::kLongestInstruction));
    cpu_.mmu.memory().copy_out(start, code);

    std::size_t count = 0;
    u64 offset = 0;
    while (count < Block::kMostInstructions && offset < code.size()) {
        if (count != 0 && supervisor_ != nullptr && supervisor_->splits_at(start.page_offset() + offset)) break;
        Instruction& instruction = decoded_[count];
        instruction = Instruction{};
        const isa::DecodeStatus status = isa::decode(code.subspan(offset), cpu_.decode_mode(), instruction);
        if (status != isa::DecodeStatus::ok) {
            // Only what executes may fault: bytes behind earlier instructions get a block of their own when reached.
            if (count != 0) break;
            if (status == isa::DecodeStatus::truncated) return build_crossing(start, linear, code);
            offset = looked_at(status, instruction);
            instruction = fault_instruction(status);
            ++count;
            break;
        }
        bind(instruction);
        offset += instruction.length;
        instruction.next_offset = static_cast<u16>(offset);
        ++count;
        if ((isa::row_of(instruction).attributes & isa::kEndsBlock) != 0) break;
    }
    ++statistics_.blocks_decoded;
    statistics_.instructions_decoded += count;
    return add_block(start, offset, std::nullopt, std::span(decoded_.data(), count));
}

Block& Interpreter::build_crossing(Physical start, Linear linear, std::span<const u8> first_part) {
    const Privilege privilege = cpu_.fetch_privilege();
    const Linear next = cpu_.wrap_linear(linear.page().value + kPageSize);
    Physical second;
    MemoryFault fault;
    if (!cpu_.code64() && cpu_.state.rip() + first_part.size() > cpu_.state.segment[kCs].limit) {
        cpu_.raise(Vector::general_protection, 0);
    }
    if (!cpu_.mmu.fetch(next, privilege, second, fault)) cpu_.raise_page_fault(fault);
    std::array<u8, 2 * isa::kLongestInstruction> bytes;
    std::copy(first_part.begin(), first_part.end(), bytes.begin());
    const std::span<u8> all(bytes.data(), first_part.size() + isa::kLongestInstruction);
    cpu_.mmu.memory().copy_out(second, all.subspan(first_part.size()));

    Instruction instruction;
    const isa::DecodeStatus status = isa::decode(all, cpu_.decode_mode(), instruction);
    CHECK(status != isa::DecodeStatus::truncated);
    const u64 bytes_used = looked_at(status, instruction);
    if (status == isa::DecodeStatus::ok) {
        bind(instruction);
        instruction.next_offset = instruction.length;
    } else {
        instruction = fault_instruction(status);
    }
    return add_block(start, std::max<u64>(bytes_used, first_part.size() + 1), second, std::span(&instruction, 1));
}

Block& Interpreter::add_block(Physical start, u64 bytes, std::optional<Physical> second_page,
                              std::span<const Instruction> code) {
    Block& block = cache_.add(start, bytes, second_page, cpu_.mode_key(), code);
    if (cpu_.block_watch != nullptr) block.executions = cpu_.block_watch->decoded(block);
    return block;
}

}  // namespace bantam
