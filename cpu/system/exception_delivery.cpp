// Exceptions that occur while an event is delivered (SDM vol. 3, 6.15, table 6-5), and the servicing of everything that
// is due between two instructions (table 6-2).
#include <csetjmp>

#include "cpu/system/debug.h"
#include "cpu/system/interrupt.h"
#include "cpu/system/smm.h"

namespace bantam {
namespace {

enum class ExceptionClass : u8 { benign, contributory, page_fault, double_fault };

ExceptionClass class_of(const Event& e) {
    if (e.kind != EventKind::exception) return ExceptionClass::benign;
    switch (static_cast<Vector>(e.vector)) {
        case Vector::divide_error:
        case Vector::invalid_tss:
        case Vector::segment_not_present:
        case Vector::stack_fault:
        case Vector::general_protection:
            return ExceptionClass::contributory;
        case Vector::page_fault:
            return ExceptionClass::page_fault;
        case Vector::double_fault:
            return ExceptionClass::double_fault;
        default:
            return ExceptionClass::benign;
    }
}

bool error_code_names_a_selector(Vector vector) {
    return vector == Vector::invalid_tss || vector == Vector::segment_not_present || vector == Vector::stack_fault ||
           vector == Vector::general_protection;
}

Event event_from(const Exception& e) {
    const bool fault =
        e.vector != Vector::debug && e.vector != Vector::double_fault && e.vector != Vector::machine_check;
    return {.vector = static_cast<u8>(e.vector),
            .kind = EventKind::exception,
            .has_error_code = e.has_error_code,
            .error_code = e.error_code,
            .sets_resume = fault};
}

/// False: delivery raised cpu.pending_exception.
[[gnu::noinline]] bool attempt(Cpu& cpu, const Event& event) {
    std::jmp_buf* const outer = cpu.recovery;
    std::jmp_buf here;
    cpu.recovery = &here;
    if (setjmp(here) != 0) {
        cpu.recovery = outer;
        return false;
    }
    deliver_event(cpu, event);
    cpu.recovery = outer;
    return true;
}

void enter_shutdown(Cpu& cpu) {
    cpu.state.shutdown = true;
    cpu.state.step_armed = cpu.state.resume_armed = false;
    cpu.request_attention(kAttentionHalted);
    cpu.environment.shutdown();
}

void deliver(Cpu& cpu, Event event) {
    // Benign exceptions may follow one another; the bound only stops a machine that would do so for ever.
    for (unsigned tries = 0; tries < 8; ++tries) {
        if (attempt(cpu, event)) return;
        const Exception nested = cpu.pending_exception;
        const ExceptionClass first = class_of(event);
        Event second = event_from(nested);
        const ExceptionClass next = class_of(second);
        const bool serious = next == ExceptionClass::contributory || next == ExceptionClass::page_fault;
        if (first == ExceptionClass::double_fault && serious) break;
        const bool doubles = (first == ExceptionClass::contributory && next == ExceptionClass::contributory) ||
                             (first == ExceptionClass::page_fault && serious);
        if (nested.vector == Vector::page_fault) cpu.state.cr2 = nested.cr2;
        if (doubles) {
            second = {.vector = static_cast<u8>(Vector::double_fault), .has_error_code = true};
        } else if (error_code_names_a_selector(nested.vector)) {
            second.error_code |= 1;  // EXT: the program did not ask for the event being delivered
        }
        if (!cpu.protected_mode()) second.has_error_code = false;
        event = second;
    }
    enter_shutdown(cpu);
}

}  // namespace

void deliver_exception(Cpu& cpu, const Exception& exception) {
    Event event = event_from(exception);
    if (exception.vector == Vector::page_fault) cpu.state.cr2 = exception.cr2;
    if (!cpu.protected_mode()) event.has_error_code = false;
    deliver(cpu, event);
}

void deliver_external_interrupt(Cpu& cpu) {
    const u8 vector = cpu.environment.acknowledge_interrupt();
    deliver(cpu, {.vector = vector, .kind = EventKind::external});
}

void deliver_nmi(Cpu& cpu) {
    cpu.state.nmi_latched = false;
    deliver(cpu, {.vector = static_cast<u8>(Vector::nmi), .kind = EventKind::nmi});
}

void deliver_debug(Cpu& cpu, u64 dr6_bits) {
    cpu.state.dr[6] |= dr6_bits;
    cpu.state.dr[7] &= ~u64{1u << 13};  // GD: the handler may use the debug registers
    deliver_exception(cpu, {.vector = Vector::debug});
}

void begin_interrupt_shadow(Cpu& cpu, bool mov_ss) {
    cpu.state.mov_ss_shadow = mov_ss;
    cpu.request_attention(kAttentionShadow);
}

Readiness service_attention(Cpu& cpu) {
    CpuState& s = cpu.state;
    if (s.resume_armed) cpu.write_flags(0, kFlagResume);
    s.resume_armed = false;
    if (s.step_armed) {
        s.step_armed = false;
        s.pending_debug |= kDr6Bs;
        s.attention |= kAttentionDebugTrap;
        cpu.update_attention();
    }
    if ((s.attention & kAttentionStop) != 0) {
        s.attention &= ~u32{kAttentionStop};
        return Readiness::stopped;
    }
    const bool shadow = (s.attention & kAttentionShadow) != 0;
    const bool mov_ss = shadow && s.mov_ss_shadow;
    if ((s.attention & kAttentionReset) != 0) {
        cpu.init();
    } else if ((s.attention & kAttentionSmi) != 0) {
        enter_smm(cpu);
    } else if ((s.attention & kAttentionDebugTrap) != 0 && !mov_ss && !s.shutdown) {
        s.attention &= ~u32{kAttentionDebugTrap};
        const u64 reasons = s.pending_debug;
        s.pending_debug = 0;
        deliver_debug(cpu, reasons);
    } else if ((s.attention & kAttentionNmi) != 0 && !mov_ss) {
        s.shutdown = false;
        deliver_nmi(cpu);
    } else if ((s.attention & kAttentionIntr) != 0 && !shadow && !s.shutdown) {
        if ((s.flags & kFlagInterrupt) != 0) {
            deliver_external_interrupt(cpu);
        } else {  // MWAIT with ECX[0] = 1: a masked interrupt ends the wait and stays pending
            s.attention &= ~u32{kAttentionHalted};
            s.wake_on_masked = false;
            cpu.update_attention();
        }
    }
    if (s.shutdown) return Readiness::shutdown;
    if ((s.attention & (kAttentionHalted | kAttentionFerr)) != 0) {
        s.attention &= ~u32{kAttentionShadow};  // STI; HLT: the shadow ends with HLT
        s.mov_ss_shadow = false;
        if ((s.attention & (kAttentionIntr | kAttentionNmi | kAttentionSmi | kAttentionReset | kAttentionDebugTrap)) !=
            0) {
            return service_attention(cpu);
        }
        return Readiness::halted;
    }
    s.attention &= ~u32{kAttentionShadow};
    s.mov_ss_shadow = false;
    if ((s.attention & kAttentionStep) == 0) {
        constexpr u32 kDue = kAttentionIntr | kAttentionNmi | kAttentionSmi | kAttentionReset | kAttentionDebugTrap;
        return shadow || (s.attention & kDue) != 0 ? Readiness::run_one : Readiness::run;
    }
    if ((s.flags & kFlagResume) == 0 && debug_instruction_breakpoint_armed(s) && !mov_ss) {
        if (const u64 hit = debug_instruction_match(cpu, s.rip()); hit != 0) {
            deliver_debug(cpu, hit);
            return s.shutdown ? Readiness::shutdown : Readiness::run_one;
        }
    }
    s.step_armed = (s.flags & kFlagTrap) != 0;
    s.resume_armed = (s.flags & kFlagResume) != 0;
    return Readiness::run_one;
}

}  // namespace bantam
