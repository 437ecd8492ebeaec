#include "tests/oracle/host_cpu.h"

#include <asm/ldt.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "base/check.h"

namespace bantam::oracle {
namespace {

constexpr std::array kSignals{SIGTRAP, SIGSEGV, SIGILL, SIGFPE, SIGBUS, SIGSYS, SIGVTALRM};
// A program that is still running after so many half seconds of its own time has no end. Hosts, and hosts of theirs,
// may let programs wait that lock the bus (the kernel's split_lock_detect), some for a second.
constexpr unsigned kMostTicks = 20;
constexpr std::size_t kFrameBytes = 16384;
constexpr u16 kCode16 = 0x07, kData16 = 0x0F;  // LDT entries 0 and 1, RPL 3
constexpr u16 kCode32 = 0x23, kData32 = 0x2B, kCode64 = 0x33;
constexpr std::size_t kXsaveHeader = 512;
constexpr std::size_t kYmmHighOffset = 576;

// Everything the signal handler touches. It runs with the test program's DS and ES (ignored in 64-bit mode) and the
// host's own FS base, which no test program may change.
struct Shared {
    sigjmp_buf back;
    bool inside = false;
    bool capturing = false;
    ucontext_t result{};
    alignas(64) std::array<u8, kFrameBytes> result_fpu{};
    // Template of a signal frame, captured once from the kernel.
    ucontext_t frame{};
    alignas(64) std::array<u8, kFrameBytes> frame_fpu{};
    std::size_t fpu_bytes = 0;
    std::array<struct sigaction, NSIG> previous{};  // handlers of the emulator's own faults
    u64 fs_base = 0;
    u64 runs = 0;
    u64 runs_at_last_tick = 0;
    unsigned ticks = 0;  // while that run went on
    bool expired = false;
};
Shared shared;

std::size_t fpu_frame_bytes(const void* fpstate) {
    // glibc names the software-reserved bytes like the kernel but hides the magic.
    constexpr u32 kXstateMagic1 = 0x46505853;
    const auto* software = reinterpret_cast<const _fpx_sw_bytes*>(static_cast<const u8*>(fpstate) + 464);
    return software->magic1 == kXstateMagic1 ? software->extended_size : 512;
}

void handle(int signal, siginfo_t* info, void* context) {
    // A program may have left AC, NT or ID set; the kernel clears only TF, DF and RF, and sigreturn restores none of
    // NT, ID. A stray instruction may have changed FS.
    asm volatile(
        "sub $128, %%rsp; pushfq; andl $0xFFDBBFFF, (%%rsp); popfq; add $128, %%rsp\n\t"
        "wrfsbase %0"
        :
        : "r"(shared.fs_base)
        : "cc", "memory");
    auto* interrupted = static_cast<ucontext_t*>(context);
    if (shared.capturing) {
        shared.capturing = false;
        shared.frame = *interrupted;
        shared.fpu_bytes = fpu_frame_bytes(interrupted->uc_mcontext.fpregs);
        if (shared.fpu_bytes <= kFrameBytes) {
            std::memcpy(shared.frame_fpu.data(), interrupted->uc_mcontext.fpregs, shared.fpu_bytes);
        }
        return;
    }
    if (signal == SIGVTALRM) {
        if (shared.runs != std::exchange(shared.runs_at_last_tick, shared.runs)) shared.ticks = 0;
        if (!shared.inside || ++shared.ticks < kMostTicks) return;
        shared.expired = true;
    }
    if (!shared.inside) {
        // Bantam's own: an unmasked floating-point exception in code it executes on the host.
        const struct sigaction& previous = shared.previous[static_cast<std::size_t>(signal)];
        if ((previous.sa_flags & SA_SIGINFO) != 0) {
            previous.sa_sigaction(signal, info, context);
        } else {
            std::signal(signal, SIG_DFL);
        }
        return;
    }
    shared.inside = false;
    shared.result = *interrupted;
    std::memcpy(shared.result_fpu.data(), interrupted->uc_mcontext.fpregs, shared.fpu_bytes);
    siglongjmp(shared.back, 1);
}

void install_handlers() {
    static std::array<u8, 65536> stack;
    const stack_t alternate{.ss_sp = stack.data(), .ss_flags = 0, .ss_size = stack.size()};
    CHECK(sigaltstack(&alternate, nullptr) == 0);
    struct sigaction action {};
    action.sa_sigaction = &handle;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART;
    for (const int signal : kSignals) {
        CHECK(sigaction(signal, &action, &shared.previous[static_cast<std::size_t>(signal)]) == 0);
    }
}

/// System calls from arena code get SIGSYS; all others pass.
void forbid_system_calls() {
    constexpr u32 kIpHigh = offsetof(seccomp_data, instruction_pointer) + 4;
    constexpr u32 kIpLow = offsetof(seccomp_data, instruction_pointer);
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kIpHigh),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kIpLow),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, static_cast<u32>(kArenaBase + kArenaBytes), 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{.len = static_cast<unsigned short>(std::size(filter)), .filter = filter};
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

void install_segment(unsigned index, bool code) {
    user_desc segment{};
    segment.entry_number = index;
    segment.base_addr = static_cast<unsigned>(kArenaBase);
    segment.limit = 0xFFFF;
    segment.contents = code ? MODIFY_LDT_CONTENTS_CODE : MODIFY_LDT_CONTENTS_DATA;
    CHECK(syscall(SYS_modify_ldt, 1, &segment, sizeof(segment)) == 0);
}

void map_pages(u64 offset, u64 bytes, int protection) {
    void* const address = reinterpret_cast<void*>(kArenaBase + offset);
    void* const got = mmap(address, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    CHECK(got == address);
}

/// Where the process's own mappings begin: below, and outside the arena, every access faults.
u64 first_foreign_mapping() {
    std::ifstream maps("/proc/self/maps");
    u64 first = ~u64{0};
    for (std::string line; std::getline(maps, line);) {
        const u64 begin = std::stoull(line, nullptr, 16);
        if (begin < kArenaBase || begin >= kArenaBase + kArenaBytes) first = std::min(first, begin);
    }
    return first;
}

/// Fills the frame's FPU area from `initial`; the layout is the standard XSAVE format.
void load_fpu(const ProgramState& initial) {
    u8* const area = shared.frame_fpu.data();
    // Bytes 464-511 belong to the kernel, MXCSR_MASK (28-31) to the CPU.
    std::memcpy(area, initial.fxsave.data(), 28);
    std::memcpy(area + 32, initial.fxsave.data() + 32, 384);
    const u64 components = 7;
    std::memcpy(area + kXsaveHeader, &components, 8);
    for (std::size_t reg = 0; reg < 16; ++reg) {
        std::memcpy(area + kYmmHighOffset + 16 * reg, initial.ymm_high[reg].data(), 16);
    }
}

void store_fpu(ProgramState& final_state) {
    const u8* const area = shared.result_fpu.data();
    u64 components = 0;
    std::memcpy(&components, area + kXsaveHeader, 8);
    std::memcpy(final_state.fxsave.data(), area, 512);
    if ((components & 1) == 0) {
        // Initial x87 state is not written by XSAVEOPT-like saves: FCW 37Fh, everything else zero.
        std::memset(final_state.fxsave.data(), 0, 24);
        final_state.fxsave[0] = 0x7F;
        final_state.fxsave[1] = 0x03;
        std::memset(final_state.fxsave.data() + 32, 0, 128);
    }
    if ((components & 2) == 0) std::memset(final_state.fxsave.data() + 160, 0, 256);
    for (std::size_t reg = 0; reg < 16; ++reg) {
        if ((components & 4) != 0) {
            std::memcpy(final_state.ymm_high[reg].data(), area + kYmmHighOffset + 16 * reg, 16);
        } else {
            final_state.ymm_high[reg].fill(0);
        }
    }
}

constexpr std::array kGregOrder{REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

}  // namespace

HostCpu::HostCpu() {
    map_pages(kDataPage, kReadOnlyPage - kDataPage, PROT_READ | PROT_WRITE);
    map_pages(kReadOnlyPage, kPageSize, PROT_READ);
    map_pages(kCodePage, kStackPage - kCodePage, PROT_READ | PROT_WRITE | PROT_EXEC);
    map_pages(kStackPage, kMappedTo - kStackPage, PROT_READ | PROT_WRITE);
    install_segment(0, true);
    install_segment(1, false);
    asm volatile("rdfsbase %0" : "=r"(shared.fs_base));
    install_handlers();
    // Ends loops.
    const itimerval tick{.it_interval = {.tv_sec = 0, .tv_usec = 500'000},
                         .it_value = {.tv_sec = 0, .tv_usec = 500'000}};
    CHECK(setitimer(ITIMER_VIRTUAL, &tick, nullptr) == 0);
    first_foreign_ = first_foreign_mapping();
    shared.capturing = true;
    CHECK(raise(SIGTRAP) == 0);
    CHECK(!shared.capturing && shared.fpu_bytes >= kYmmHighOffset + 256 && shared.fpu_bytes <= kFrameBytes);
    forbid_system_calls();
}

HostCpu::~HostCpu() {
    const itimerval none{};
    setitimer(ITIMER_VIRTUAL, &none, nullptr);
    munmap(reinterpret_cast<void*>(kArenaBase), kArenaBytes);
}

const u8* HostCpu::arena() const { return reinterpret_cast<const u8*>(kArenaBase + kMappedFrom); }

Outcome HostCpu::run(isa::CodeSize mode, const ProgramState& initial, const Arena& arena) {
    u8* const memory = reinterpret_cast<u8*>(kArenaBase);
    for (u64 page = kMappedFrom; page < kMappedTo; page += kPageSize) {
        if (std::memcmp(memory + page, arena.at(page), kPageSize) == 0) continue;
        const bool read_only = page == kReadOnlyPage;
        if (read_only) CHECK(mprotect(memory + page, kPageSize, PROT_READ | PROT_WRITE) == 0);
        std::memcpy(memory + page, arena.at(page), kPageSize);
        if (read_only) CHECK(mprotect(memory + page, kPageSize, PROT_READ) == 0);
    }

    ucontext_t& frame = shared.frame;
    auto& registers = frame.uc_mcontext.gregs;
    for (std::size_t reg = 0; reg < kGregOrder.size(); ++reg) {
        registers[kGregOrder[reg]] = static_cast<greg_t>(initial.gpr[reg]);
    }
    registers[REG_RIP] = static_cast<greg_t>(initial.rip);
    registers[REG_EFL] = static_cast<greg_t>(initial.eflags);
    u64 cs = kCode64;
    u64 data = kData32;
    if (mode == isa::CodeSize::bits32) cs = kCode32;
    if (mode == isa::CodeSize::bits16) {
        cs = kCode16;
        data = kData16;
    }
    // CS in bits 15:0, GS, FS, SS above (struct sigcontext).
    registers[REG_CSGSFS] = static_cast<greg_t>(cs | data << 48);
    frame.uc_flags |= 6;  // UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS
    load_fpu(initial);
    frame.uc_mcontext.fpregs = reinterpret_cast<fpregset_t>(shared.frame_fpu.data());

    Outcome outcome;
    ++shared.runs;
    shared.expired = false;
    if (sigsetjmp(shared.back, 0) == 0) {
        shared.inside = true;
        asm volatile(
            "mov %w[data], %%ds\n\t"
            "mov %w[data], %%es\n\t"
            "mov %[frame], %%rsp\n\t"
            "mov $15, %%eax\n\t"  // rt_sigreturn
            "syscall"
            :
            : [data] "r"(data), [frame] "r"(&frame)
            : "memory", "rax");
        __builtin_unreachable();
    }
    outcome.ended = !shared.expired;
    const auto& result = shared.result.uc_mcontext.gregs;
    outcome.vector = static_cast<u8>(result[REG_TRAPNO]);
    outcome.error_code = static_cast<u32>(result[REG_ERR]);
    outcome.cr2 = static_cast<u64>(result[REG_CR2]);
    for (std::size_t reg = 0; reg < kGregOrder.size(); ++reg) {
        outcome.state.gpr[reg] = static_cast<u64>(result[kGregOrder[reg]]);
    }
    outcome.state.rip = static_cast<u64>(result[REG_RIP]);
    outcome.state.eflags = static_cast<u32>(result[REG_EFL]);
    store_fpu(outcome.state);
    return outcome;
}

}  // namespace bantam::oracle
