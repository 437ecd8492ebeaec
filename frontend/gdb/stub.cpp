#include "frontend/gdb/stub.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "frontend/guest_memory.h"
#include "frontend/monitor.h"
#include "frontend/values.h"

namespace bantam::frontend::gdb {
namespace {

const std::string kOk = "OK", kUnknown, kBadRequest = "E16", kBadAddress = "E0e";

// gdb's signal numbers (include/gdb/signals.def).
enum Signal : unsigned { kInt = 2, kIll = 4, kTrap = 5, kAbort = 6, kFpe = 8, kSegv = 11 };

constexpr std::array<std::string_view, 20> kVectorNames{"divide-error",
                                                        "debug",
                                                        "nmi",
                                                        "breakpoint",
                                                        "overflow",
                                                        "bound-range",
                                                        "invalid-opcode",
                                                        "device-not-available",
                                                        "double-fault",
                                                        "",
                                                        "invalid-tss",
                                                        "segment-not-present",
                                                        "stack-fault",
                                                        "general-protection",
                                                        "page-fault",
                                                        "",
                                                        "x87-error",
                                                        "alignment-check",
                                                        "machine-check",
                                                        "simd-error"};

Signal signal_of(Vector vector) {
    switch (vector) {
        case Vector::divide_error:
        case Vector::x87_error:
        case Vector::simd_error:
            return kFpe;
        case Vector::invalid_opcode:
            return kIll;
        case Vector::debug:
        case Vector::breakpoint:
            return kTrap;
        default:
            return kSegv;
    }
}

}  // namespace

void Stub::begin() {
    machine_.stop();
    debugger_ = machine_.attach_debugger([this](const Debugger::Stop& stop) {
        stop_ = stop;
        machine_.stop();
    });
    registers_.emplace(machine_.cpu(), machine_.cpu().long_mode());
}

void Stub::leave() {
    debugger_.reset();
    running_ = false;
}

void Stub::send(std::string_view packet) {
    sent_ = framed(packet);
    output_->send(sent_);
}

void Stub::take(const Input& input) {
    if (!debugger_) return;
    if (std::holds_alternative<Interrupt>(input)) return machine_.stop();
    if (std::holds_alternative<Repeat>(input)) return output_->send(sent_);
    const auto* packet = std::get_if<Packet>(&input);
    if (acknowledge_) output_->send(packet != nullptr ? "+" : "-");
    if (packet == nullptr) return;
    if (const Answer answer = handle(packet->text)) send(*answer);
}

void Stub::tell(const MachineEvent& event) {
    if (!debugger_ || !running_) return;
    if (event.kind == MachineEvent::Kind::stopped) {
        running_ = false;
        send(stop_reply());
    } else if (event.kind == MachineEvent::Kind::ended) {
        running_ = false;
        send("W00");
    }
}

std::string Stub::stop_reply() const {
    if (!stop_) return fmt::format("T{:02x}thread:01;", +kInt);
    switch (stop_->cause) {
        case Debugger::Cause::breakpoint:
        case Debugger::Cause::step:
            break;
        case Debugger::Cause::watchpoint: {
            const char* kind = stop_->access == Debugger::Access::write  ? "watch"
                               : stop_->access == Debugger::Access::read ? "rwatch"
                                                                         : "awatch";
            return fmt::format("T{:02x}{}:{:x};thread:01;", +kTrap, kind, stop_->address);
        }
        case Debugger::Cause::exception:
            return fmt::format("T{:02x}thread:01;", +signal_of(stop_->vector));
        case Debugger::Cause::shutdown:
            return fmt::format("T{:02x}thread:01;", +kAbort);
    }
    return fmt::format("T{:02x}thread:01;", +kTrap);
}

Stub::Answer Stub::handle(std::string_view packet) {
    if (packet.empty()) return kUnknown;
    const std::string_view rest = packet.substr(1);
    switch (packet.front()) {
        case '?':
            return stop_reply();
        case 'g':
            return read_registers();
        case 'G':
            return write_registers(rest);
        case 'p':
        case 'P':
            return one_register(packet);
        case 'm':
            return read_memory(rest);
        case 'M':
            return write_memory(rest, false);
        case 'X':
            return write_memory(rest, true);
        case 'Z':
        case 'z':
            return breakpoint(rest, packet.front() == 'Z');
        case 'c':
        case 's':
            return resume(rest, packet.front() == 's');
        case 'C':
        case 'S': {
            const std::size_t address = rest.find(';');  // there is no signal to give to a processor
            return resume(address == rest.npos ? "" : rest.substr(address + 1), packet.front() == 'S');
        }
        case 'v':
            if (packet == "vCont?") return "vCont;c;C;s;S";
            if (packet.starts_with("vCont;")) return resume_each(packet.substr(6));
            return kUnknown;
        case 'D':
            debugger_.reset();
            send(kOk);
            machine_.cont();
            return std::nullopt;
        case 'k':
            machine_.quit();
            return std::nullopt;
        case 'H':
        case 'T':
            return kOk;
        case 'q':
        case 'Q':
            return query(packet);
        default:
            return kUnknown;
    }
}

Stub::Answer Stub::query(std::string_view packet) {
    if (take_prefix(packet, "qSupported")) {
        return fmt::format("PacketSize={:x};qXfer:features:read+;QStartNoAckMode+;vContSupported+",
                           PacketReader::kMostBytes);
    }
    if (packet == "QStartNoAckMode") {
        acknowledge_ = false;
        return kOk;
    }
    if (take_prefix(packet, "qXfer:features:read:target.xml:")) return description_part(packet);
    if (take_prefix(packet, "qRcmd,")) return console(packet);
    if (packet == "qC") return "QC01";
    if (packet == "qfThreadInfo") return "m01";
    if (packet == "qsThreadInfo") return "l";
    if (take_prefix(packet, "qThreadExtraInfo,")) return to_hex(std::string_view("CPU 0"));
    if (take_prefix(packet, "qAttached")) return "1";
    if (packet == "qqemu.PhyMemMode") return physical_ ? "1" : "0";
    if (take_prefix(packet, "Qqemu.PhyMemMode:")) {
        physical_ = packet != "0";
        return kOk;
    }
    return kUnknown;
}

Stub::Answer Stub::description_part(std::string_view range) {
    const auto offset = take_number(range);
    const bool comma = take_prefix(range, ",");
    const auto length = take_number(range);
    if (!offset || !comma || !length) return kBadRequest;
    const std::string text = registers_->description();
    if (*offset > text.size()) return kBadRequest;
    const std::string part = text.substr(*offset, *length);
    return (*offset + part.size() < text.size() ? "m" : "l") + part;
}

// --- registers

Stub::Answer Stub::read_registers() {
    std::string digits;
    for (std::size_t i = 0; i < registers_->count(); ++i) digits += to_hex(registers_->read(i));
    return digits;
}

Stub::Answer Stub::write_registers(std::string_view digits) {
    const auto bytes = from_hex(digits);
    if (!bytes) return kBadRequest;
    std::span<const u8> rest = *bytes;
    for (std::size_t i = 0; i < registers_->count() && rest.size() >= registers_->bytes(i); ++i) {
        static_cast<void>(registers_->write(i, rest.first(registers_->bytes(i))));  // the others keep their values
        rest = rest.subspan(registers_->bytes(i));
    }
    return kOk;
}

Stub::Answer Stub::one_register(std::string_view packet) {
    std::string_view rest = packet.substr(1);
    const auto index = take_number(rest);
    if (!index || *index >= registers_->count()) return kBadRequest;
    if (packet.front() == 'p') return to_hex(registers_->read(*index));
    if (!take_prefix(rest, "=")) return kBadRequest;
    const auto value = from_hex(rest);
    return value && registers_->write(*index, *value) ? kOk : kBadRequest;
}

// --- memory

Stub::Answer Stub::read_memory(std::string_view packet) {
    const auto address = take_number(packet);
    const bool comma = take_prefix(packet, ",");
    const auto length = take_number(packet);
    if (!address || !comma || !length) return kBadRequest;
    std::vector<u8> bytes(std::min<u64>(*length, PacketReader::kMostBytes / 2));
    const ReadMemory read = physical_ ? physical_reader(machine_) : linear_reader(machine_);
    // As far as it is mapped: gdb asks again for the rest.
    std::size_t got = 0;
    while (got < bytes.size()) {
        const std::size_t part = std::min<std::size_t>(bytes.size() - got, kPageSize - (*address + got) % kPageSize);
        if (!read(*address + got, std::span(bytes).subspan(got, part))) break;
        got += part;
    }
    if (got == 0 && !bytes.empty()) return kBadAddress;
    return to_hex(std::span<const u8>(bytes).first(got));
}

Stub::Answer Stub::write_memory(std::string_view packet, bool binary) {
    const auto address = take_number(packet);
    const bool comma = take_prefix(packet, ",");
    const auto length = take_number(packet);
    const bool colon = take_prefix(packet, ":");
    if (!address || !comma || !length || !colon) return kBadRequest;
    const auto bytes = binary ? std::optional(std::vector<u8>(packet.begin(), packet.end())) : from_hex(packet);
    if (!bytes || bytes->size() != *length) return kBadRequest;
    if (!physical_) return write_linear(machine_, *address, *bytes) ? kOk : kBadAddress;
    machine_.memory().copy_in({*address}, *bytes);
    return kOk;
}

// --- breakpoints and going on

Stub::Answer Stub::breakpoint(std::string_view packet, bool insert) {
    const auto kind = take_number(packet);
    const bool first_comma = take_prefix(packet, ",");
    const auto address = take_number(packet);
    const bool second_comma = take_prefix(packet, ",");
    const auto size = take_number(packet);
    if (!kind || !address || !size || !first_comma || !second_comma) return kBadRequest;
    const Linear place = machine_.cpu().wrap_linear(*address);
    if (*kind <= 1) {  // software and hardware ones are the same here
        insert ? debugger_->add_breakpoint(place) : debugger_->remove_breakpoint(place);
        return kOk;
    }
    if (*kind > 4) return kUnknown;
    const auto access = *kind == 2   ? Debugger::Access::write
                        : *kind == 3 ? Debugger::Access::read
                                     : Debugger::Access::any;
    if (insert) return debugger_->add_watchpoint(place, *size, access) ? kOk : kBadRequest;
    debugger_->remove_watchpoint(place, *size, access);
    return kOk;
}

Stub::Answer Stub::resume(std::string_view packet, bool step) {
    if (const auto address = take_number(packet)) machine_.cpu().state.rip() = *address;
    stop_.reset();
    running_ = true;
    step ? debugger_->step() : debugger_->resume();
    machine_.cont();
    return std::nullopt;
}

/// "s:1;c": what is first is for our only processor.
Stub::Answer Stub::resume_each(std::string_view actions) {
    if (actions.empty()) return kBadRequest;
    const char first = actions.front();
    if (first != 'c' && first != 'C' && first != 's' && first != 'S') return kBadRequest;
    return resume("", first == 's' || first == 'S');
}

// --- `monitor`

Stub::Answer Stub::console(std::string_view digits) {
    const auto bytes = from_hex(digits);
    if (!bytes) return kBadRequest;
    const std::string line(bytes->begin(), bytes->end());
    std::string_view words = line;
    std::string text;
    if (take_prefix(words, "catch")) {
        text = catch_exceptions(words);
    } else {
        text = execute_monitor_line(machine_, line);
    }
    return text.empty() ? kOk : to_hex(text);
}

std::string Stub::catch_exceptions(std::string_view words) {
    u32 caught = 0;
    for (const std::string& word : split_words(words)) {
        const auto* found = std::find(kVectorNames.begin(), kVectorNames.end(), word);
        const auto number = parse_number(word);
        if (word == "all") {
            caught = ~u32{0};
        } else if (found != kVectorNames.end() && !word.empty()) {
            caught |= 1u << (found - kVectorNames.begin());
        } else if (number && *number < 32) {
            caught |= 1u << *number;
        } else if (word != "none") {
            std::string names;
            for (const std::string_view name : kVectorNames) names += name.empty() ? "" : fmt::format(" {}", name);
            return fmt::format("'{}' is no exception: use all, none, a vector or one of{}\n", word, names);
        }
    }
    debugger_->catch_exceptions(caught);
    return fmt::format("{} exceptions are caught\n", caught == ~u32{0} ? "all" : caught == 0 ? "no" : "these");
}

}  // namespace bantam::frontend::gdb
