#include "machine/trace/trace.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "cpu/isa/disassemble.h"
#include "cpu/system/event_watch.h"
#include "machine/trace/disk_commands.h"
#include "machine/trace/trace_file.h"
#include "mmu/paging.h"

namespace bantam {
namespace {

constexpr std::array<std::string_view, 9> kWords{"insn", "block", "int", "bios", "irq", "io", "mmio", "pci", "disk"};

/// The instruction that is about to run, read again from memory without side effects.
std::string instruction_text(Cpu& cpu, const isa::Instruction& instruction) {
    std::array<u8, 15> bytes{};
    const u64 start = cpu.state.segment[kCs].base + cpu.state.rip();
    for (unsigned i = 0; i < instruction.length; ++i) {
        const Translation found = peek_translation(cpu.mmu.memory(), cpu.mmu.controls(), cpu.wrap_linear(start + i));
        if (!found.ok) return std::string(isa::mnemonic_name(instruction.mnemonic));
        bytes.at(i) = static_cast<u8>(cpu.mmu.memory().peek(found.address, 1));
    }
    return isa::disassemble(std::span(bytes).first(instruction.length), cpu.state.rip(), cpu.decode_mode().code_size);
}

std::string place(const Cpu& cpu) {
    return fmt::format("{:04x}:{:x}", cpu.state.segment[kCs].selector, cpu.state.rip());
}

const char* name_of(EventKind kind) {
    switch (kind) {
        case EventKind::exception:
            return "exception";
        case EventKind::software_interrupt:
            return "INT n";
        case EventKind::software_exception:
            return "INT3 or INTO";
        case EventKind::privileged_software_exception:
            return "INT1";
        case EventKind::external:
            return "external";
        case EventKind::nmi:
            break;
    }
    return "NMI";
}

}  // namespace

/// Counts and writes, from all sources.
class Trace::Sink {
public:
    Sink(std::unique_ptr<TraceFile> file, Cpu& cpu, Scheduler& scheduler, std::optional<u64> count,
         std::function<void()> unwritable)
        : file_(std::move(file)),
          cpu_(cpu),
          scheduler_(scheduler),
          left_(count.value_or(~u64{0})),
          unwritable_(std::move(unwritable)) {}

    [[nodiscard]] bool wants() const { return left_ != 0; }
    void write(std::string_view kind, std::string text) {
        if (left_ == 0) return;
        --left_;
        if (!file_->write(
                {.kind = kind, .instructions = cpu_.retired(), .ns = scheduler_.now(), .text = std::move(text)}))
            unwritable_();
    }

private:
    std::unique_ptr<TraceFile> file_;
    Cpu& cpu_;
    Scheduler& scheduler_;
    u64 left_;
    std::function<void()> unwritable_;
};

/// int and bios.
class Trace::Deliveries final : public EventWatch {
public:
    Deliveries(Cpu& cpu, std::shared_ptr<Sink> sink, bool all, bool bios)
        : cpu_(cpu), sink_(std::move(sink)), all_(all), bios_(bios) {
        cpu_.event_watches.push_back(this);
    }
    ~Deliveries() override { std::erase(cpu_.event_watches, this); }
    Deliveries(const Deliveries&) = delete;
    Deliveries& operator=(const Deliveries&) = delete;

    void delivering(const Event& event) override {
        if (!sink_->wants()) return;
        const CpuState& state = cpu_.state;
        const bool real = !cpu_.protected_mode() || cpu_.v86();
        const std::string error = event.has_error_code ? fmt::format(" error {:x}h", event.error_code) : "";
        if (all_) {
            sink_->write("int", fmt::format("int {:02x}h {}{} at {:04x}:{:x}", event.vector, name_of(event.kind), error,
                                            state.segment[kCs].selector, state.instruction_rip));
        }
        if (!bios_ || !real || event.kind != EventKind::software_interrupt) return;
        const auto word = [&](unsigned index) { return static_cast<u16>(state.gpr[index]); };
        sink_->write("bios", fmt::format("bios int {:02x}h ax={:04x} bx={:04x} cx={:04x} dx={:04x} si={:04x} di={:04x} "
                                         "ds={:04x} es={:04x}",
                                         event.vector, word(kRax), word(kRbx), word(kRcx), word(kRdx), word(kRsi),
                                         word(kRdi), state.segment[kDs].selector, state.segment[kEs].selector));
    }
    void entering(Entry /*entry*/) override {}
    void returned() override {}

private:
    Cpu& cpu_;
    std::shared_ptr<Sink> sink_;
    bool all_, bios_;
};

Result<void> check_trace(const TraceConfig& config) {
    if (config.kinds.empty() && config != TraceConfig{}) {
        return Error{ExitStatus::usage, fmt::format("--trace: from, count and file say nothing without one of {}",
                                                    fmt::join(kWords, ", "))};
    }
    for (const std::string& word : config.kinds) {
        if (std::find(kWords.begin(), kWords.end(), word) != kWords.end()) continue;
        return Error{ExitStatus::usage, fmt::format("cannot trace '{}': use {}, joined by commas, with from=TIME, "
                                                    "count=N and file=FILE",
                                                    word, fmt::join(kWords, ", "))};
    }
    return {};
}

Trace::Trace() = default;
Trace::~Trace() = default;

Result<std::unique_ptr<Trace>> Trace::start(const TraceConfig& config, const Wiring& wiring) {
    if (config.kinds.empty()) return std::unique_ptr<Trace>{};
    Result<std::unique_ptr<TraceFile>> file = TraceFile::open(config.file);
    if (!file) return file.error();
    std::unique_ptr<Trace> trace(new Trace);
    trace->sink_ = std::make_shared<Sink>(std::move(file.value()), wiring.pc.cpu(), wiring.scheduler, config.count,
                                          wiring.unwritable);
    if (config.from_ns == 0) {
        trace->switch_on(config, wiring);
    } else {
        trace->begin_ = std::make_unique<Timer>(
            wiring.scheduler, "trace", [self = trace.get(), config, wiring] { self->switch_on(config, wiring); },
            Timer::Owner::host);
        trace->begin_->arm(config.from_ns);
    }
    return trace;
}

void Trace::switch_on(const TraceConfig& config, const Wiring& wiring) {
    const auto asked = [&](std::string_view word) {
        return std::find(config.kinds.begin(), config.kinds.end(), word) != config.kinds.end();
    };
    Pc& pc = wiring.pc;
    if (asked("io")) {
        pc.add_port_trace([&pc, sink = sink_](bool write, u16 port, unsigned size, u32 value) {
            if (!sink->wants()) return;
            sink->write("io", fmt::format("io {} {:04x}h {} bytes {:0{}x}h {}", write ? "write" : "read ", port, size,
                                          value, size * 2, pc.io().owner(port)));
        });
    }
    if (asked("pci")) {
        constexpr u16 kAddress = 0xCF8, kData = 0xCFC;
        pc.add_port_trace([sink = sink_, address = u32{0}](bool write, u16 port, unsigned size, u32 value) mutable {
            if (write && port == kAddress && size == 4) address = value;
            if (port < kData || port >= kData + 4 || (address >> 31) == 0 || !sink->wants()) return;
            sink->write("pci", fmt::format("pci {} {:02x}:{:02x}.{} {:02x}h {} bytes {:0{}x}h",
                                           write ? "write" : "read ", address >> 16 & 0xFF, address >> 11 & 0x1F,
                                           address >> 8 & 7, (address & 0xFC) + (port - kData), size, value, size * 2));
        });
    }
    if (asked("disk")) {
        for (const auto& [base, name] : {std::pair<u16, const char*>(0x1F0, "ide0"), {0x170, "ide1"}}) {
            pc.add_port_trace([commands = DiskCommands(base, name, [sink = sink_](std::string text) {
                                   sink->write("disk", std::move(text));
                               })](bool write, u16 port, unsigned size, u32 value) mutable {
                if (write) commands.written(port, size, value);
            });
        }
    }
    if (asked("irq")) {
        pc.set_interrupt_trace(
            [sink = sink_](u8 vector) { sink->write("irq", fmt::format("irq vector {:02x}h", vector)); });
    }
    if (asked("mmio")) {
        wiring.memory.set_register_trace(
            [sink = sink_](bool write, const std::string& region, Physical address, unsigned size, u64 value) {
                if (!sink->wants()) return;
                sink->write("mmio", fmt::format("mmio {} {:x}h {} bytes {:0{}x}h {}", write ? "write" : "read ",
                                                address.value, size, value, size * 2, region));
            });
    }
    if (asked("int") || asked("bios"))
        deliveries_ = std::make_unique<Deliveries>(pc.cpu(), sink_, asked("int"), asked("bios"));
    if (!asked("insn") && !asked("block")) return;
    wiring.engine.set_tracer([sink = sink_, insn = asked("insn"), block = asked("block"), next = ~u64{0}](
                                 Cpu& cpu, const isa::Instruction& instruction) mutable {
        if (!sink->wants()) return;
        if (block && cpu.state.rip() != next) sink->write("block", fmt::format("block {}", place(cpu)));
        next = cpu.state.rip() + instruction.length;
        if (insn) sink->write("insn", fmt::format("{} {}", place(cpu), instruction_text(cpu, instruction)));
    });
}

}  // namespace bantam
