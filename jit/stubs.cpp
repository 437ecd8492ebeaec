// See stubs.h. Translated code runs on the ReturnStack, C++ on the stack that `enter` was called on, which is 8
// above a multiple of 16 after the six pushes (System V ABI, AMD64, 3.2.2).
#include "jit/stubs.h"

#include "jit/assembly.h"
#include "jit/vector_registers.h"

namespace bantam::jit {
namespace {

constexpr std::array kCalleeSaved{x86::rbx, x86::rbp, x86::r12, x86::r13, x86::r14, x86::r15};

class StubWriter {
public:
    StubWriter(x86::Assembler& assembler, CpuState& state, Context& context)
        : a_(assembler), state_(state), context_(context) {}

    void enter() {
        for (const x86::Gp& reg : kCalleeSaved) a_.push(reg);
        a_.mov(low_operand(&context_.host_stack), x86::rsp);
        a_.mov(x86::rsp, low_operand(&context_.return_stack));
        load_guest();
        a_.jmp(low_operand(&context_.entry));
    }
    void leave_at_rip() {
        a_.mov(low_operand(&state_.rip()), x86::r14);
        a_.mov(low_operand(&context_.site), kAddend);
        store_guest();
        a_.mov(low_operand(&context_.link), 0);
        return_to_caller();
    }
    void leave_by_link() {
        store_guest();
        a_.mov(low_operand(&context_.link), x86::r14);
        return_to_caller();
    }
    void call_handler(CallHandler handler, u64 leave_at_rip) {
        const asmjit::Label leave = a_.newLabel();
        const asmjit::Label go_on = a_.newLabel();
        const asmjit::Label same_key = a_.newLabel();
        a_.mov(low_operand(&context_.site), x86::r14);
        store_guest();
        a_.mov(x86::rbx, x86::rsp);
        a_.mov(x86::rsp, low_operand(&context_.host_stack));
        a_.mov(x86::rdi, low_operand(&context_.self));
        a_.mov(x86::rax, asmjit::imm(reinterpret_cast<u64>(handler)));
        a_.sub(x86::rsp, 8);  // to a multiple of 16
        a_.call(x86::rax);
        a_.cmp(x86::al, static_cast<u8>(AfterHandler::go_on));
        a_.je(go_on);
        a_.ja(leave);
        a_.mov(x86::rsp, x86::rbx);
        load_guest();
        a_.ret();
        a_.bind(go_on);
        a_.lea(x86::rsp, x86::ptr(x86::rbx, 8));  // whoever called this stub is not returned to
        a_.mov(x86::rcx, low_operand(&context_.forget_returns));
        a_.jecxz(x86::rcx, same_key);
        a_.mov(x86::rsp, low_operand(&context_.return_stack));
        a_.bind(same_key);
        load_guest();
        a_.mov(kAddress, low_operand(&state_.rip()));
        jump_by_table(leave_at_rip);
        a_.bind(leave);
        a_.mov(low_operand(&context_.link), 0);
        return_to_caller();
    }
    void lone_return(u64 leave_at_rip) {
        a_.lea(x86::rsp, x86::ptr(x86::rsp, -8));  // the address of this stub is there again
        jump_by_table(leave_at_rip);
    }
    void load_vectors() {
        write_vector_load(a_, state_, context_);
        a_.ret();
    }
    /// PERF: WRGSBASE takes longer than finding out that the base is the same, which it nearly always is.
    void load_stack_distance() {
        const asmjit::Label same = a_.newLabel();
        const asmjit::Label canonical = a_.newLabel();
        a_.mov(kSpare, x86::rcx);
        a_.mov(x86::rcx, low_operand(&context_.gs_complement));
        a_.lea(x86::rcx, x86::ptr(x86::rcx, kAddend, 0, 1));
        a_.jecxz(x86::rcx, same);
        a_.mov(x86::ecx, 16);  // as stack_window::base_for
        a_.shlx(kAddress, kAddend, x86::rcx);
        a_.sarx(kAddress, kAddress, x86::rcx);
        a_.not_(kAddress);
        a_.lea(x86::rcx, x86::ptr(kAddress, kAddend, 0, 1));
        a_.jecxz(x86::rcx, canonical);
        a_.mov(kAddend.r32(), 0);
        a_.bind(canonical);
        a_.wrgsbase(kAddend);
        a_.not_(kAddend);
        a_.mov(low_operand(&context_.gs_complement), kAddend);
        a_.bind(same);
        a_.mov(x86::rcx, kSpare);
        a_.ret();
    }
    void write_beside_code(const Mmu::FastTables& tables, unsigned size_log) {
        const asmjit::Label this_page = a_.newLabel();
        const asmjit::Label no_code = a_.newLabel();
        const i32 last_byte = (1 << size_log) - 1;
        a_.mov(low_operand(&context_.spare), kSpare);
        a_.mov(kSpare, x86::rcx);
        a_.mov(x86::rcx, x86::ptr_abs(reinterpret_cast<u64>(tables.read_bias), kAddend, 3));
        a_.lea(x86::rcx, x86::ptr(x86::rcx, kSpare, 0, last_byte));
        a_.pext(x86::rcx, x86::rcx, low_operand(&context_.page_mask));
        a_.jecxz(x86::rcx, this_page);
        a_.mov(kSpare, low_operand(&context_.spare));
        a_.ret();
        a_.bind(this_page);
        a_.mov(x86::rcx, x86::ptr_abs(reinterpret_cast<u64>(tables.code_maps), kAddend, 3));
        a_.mov(x86::rcx, x86::ptr(x86::rcx));
        a_.jecxz(x86::rcx, no_code);
        a_.mov(low_operand(&context_.address), kSpare);
        a_.pext(kSpare, kSpare, low_operand(&context_.map_byte));
        a_.mov(x86::rcx, x86::ptr(x86::rcx, kSpare));
        a_.mov(kSpare, low_operand(&context_.address));
        a_.pext(kSpare, kSpare, low_operand(&context_.map_bit));
        a_.shrx(x86::rcx, x86::rcx, kSpare);
        a_.pext(x86::rcx, x86::rcx, low_operand(&context_.bits.at(size_log)));
        a_.mov(kSpare, low_operand(&context_.spare));
        a_.ret();
        // The slow path makes the page direct again.
        a_.bind(no_code);
        a_.mov(kSpare, low_operand(&context_.spare));
        a_.mov(x86::ecx, 1);
        a_.ret();
    }

private:
    void load_guest() {
        // OF from bit 0 of the status word, the others by SAHF: see bantam::Status.
        a_.movzx(x86::eax, low_operand(&state_.status));
        a_.add(x86::al, 127);
        a_.sahf();
        a_.mov(kCount, low_operand(&context_.remaining));
        a_.mov(kAddend, low_operand(&context_.home_distance));
        for (const PinnedRegister& pair : kPinned) a_.mov(pair.host, low_operand(&state_.gpr[pair.guest]));
    }
    void store_guest() {
        for (const PinnedRegister& pair : kPinned) a_.mov(low_operand(&state_.gpr[pair.guest]), pair.host);
        a_.lahf();
        a_.seto(x86::al);
        a_.mov(low_operand(&state_.status), x86::ax);
        a_.mov(low_operand(&context_.remaining), kCount);
        write_vector_store(a_, state_, context_);
    }
    /// To the guest RIP in kAddress. Keeps kAddend, the branch's Site.
    void jump_by_table(u64 leave_at_rip) {
        a_.mov(low_operand(&context_.spare), kAddend);
        a_.mov(kSpare, low_operand(&state_.segment[kCs].base));
        a_.lea(kAddend.r32(), x86::ptr(kAddress, kSpare));
        a_.movzx(kAddend.r32(), kAddend.r16());
        a_.mov(kSpare, low_operand(&context_.indirect_table));
        a_.mov(kSpare.r32(), x86::ptr(kSpare, kAddend, 2));
        a_.lea(kSpare.r32(), x86::ptr(kSpare, static_cast<i32>(leave_at_rip)));
        a_.mov(kAddend, low_operand(&context_.spare));
        a_.jmp(kSpare);
    }
    void return_to_caller() {
        a_.mov(x86::rsp, low_operand(&context_.host_stack));
        for (std::size_t i = kCalleeSaved.size(); i-- > 0;) a_.pop(kCalleeSaved[i]);
        a_.ret();
    }

    x86::Assembler& a_;
    CpuState& state_;
    Context& context_;
};

}  // namespace

Result<Stubs> make_stubs(CodeCache& cache, Cpu& cpu, Context& context, CallHandler call_handler,
                         CallHandler call_block_watch) {
    const auto make = [&](auto write) -> u64 {
        Assembly assembly(cache);
        StubWriter writer(assembly.assembler(), cpu.state, context);
        write(writer);
        return assembly.finish();
    };
    Stubs stubs;
    const u64 enter = make([](StubWriter& writer) { writer.enter(); });
    stubs.leave_at_rip = make([](StubWriter& writer) { writer.leave_at_rip(); });
    stubs.leave_by_link = make([](StubWriter& writer) { writer.leave_by_link(); });
    stubs.call_handler = make([&](StubWriter& writer) { writer.call_handler(call_handler, stubs.leave_at_rip); });
    stubs.call_block_watch =
        make([&](StubWriter& writer) { writer.call_handler(call_block_watch, stubs.leave_at_rip); });
    stubs.load_vectors = make([](StubWriter& writer) { writer.load_vectors(); });
    stubs.load_stack_distance = make([](StubWriter& writer) { writer.load_stack_distance(); });
    stubs.lone_return = make([&](StubWriter& writer) { writer.lone_return(stubs.leave_at_rip); });
    bool beside = true;
    for (unsigned set = 0; set < Mmu::kFastSets; ++set) {
        const Mmu::FastTables tables = cpu.mmu.fast_tables(Mmu::fast_set(set));
        for (unsigned size_log = 0; size_log < Stubs::kWriteSizes; ++size_log) {
            u64& stub = stubs.write_beside_code.at(set).at(size_log);
            stub = make([&](StubWriter& writer) { writer.write_beside_code(tables, size_log); });
            beside = beside && stub != 0;
        }
    }
    if (enter == 0 || stubs.lone_return == 0 || stubs.load_vectors == 0 || stubs.leave_at_rip == 0 ||
        stubs.leave_by_link == 0 || stubs.call_handler == 0 || stubs.call_block_watch == 0 ||
        stubs.load_stack_distance == 0 || !beside) {
        return Error{ExitStatus::internal_error, "the translator could not assemble its stubs"};
    }
    stubs.enter = reinterpret_cast<void (*)()>(enter);
    cache.keep();
    return stubs;
}

}  // namespace bantam::jit
