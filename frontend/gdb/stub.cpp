#include "frontend/gdb/stub.h"

#include <fmt/format.h>

#include <algorithm>

#include "frontend/gdb/exceptions.h"
#include "frontend/monitor.h"
#include "frontend/values.h"
#include "machine/guest_memory.h"

namespace bantam::frontend::gdb {
namespace {

const std::string kOk = "OK", kUnknown, kBadRequest = "E16", kBadAddress = "E0e", kNoSuchAnnex = "E00";
constexpr unsigned kInterrupted = 2, kTrapped = 5, kAborted = 6;  // gdb's signal numbers (include/gdb/signals.def)

/// All threads (-1), any (0), or our only one.
bool names_our_thread(std::string_view id) {
    if (id == "-1") return true;
    const auto number = take_number(id);
    return number && *number <= 1 && id.empty();
}

/// The two digits of a signal: there is none to give to a processor.
bool take_signal(std::string_view& text) {
    if (!from_hex(text.substr(0, 2)) || text.size() < 2) return false;
    text.remove_prefix(2);
    return true;
}

/// "ADDRESS,LENGTH" at the beginning of `text`, which loses it.
struct Range {
    u64 address, length;
};
std::optional<Range> take_range(std::string_view& text) {
    const auto address = take_number(text);
    const bool comma = take_prefix(text, ",");
    const auto length = take_number(text);
    if (!address || !comma || !length) return std::nullopt;
    return Range{*address, *length};
}

}  // namespace

void Stub::begin() {
    machine_.stop();
    debugger_ = machine_.attach_debugger([this](const Debugger::Stop& stop) {
        stop_ = stop;
        machine_.stop();
    });
    registers_.emplace(machine_.cpu(), bits_);
}

void Stub::leave() {
    gone_ = true;
    running_ = false;
    debugger_.reset();
}

void Stub::send(std::string_view packet) {
    sent_ = framed(packet);
    output_->send(sent_);
}

void Stub::take(const Input& input) {
    const auto* packet = std::get_if<Packet>(&input);
    if (gone_) return;
    if (!debugger_ && packet != nullptr) begin();
    if (!debugger_) return;
    if (std::holds_alternative<Interrupt>(input)) return machine_.stop();
    if (std::holds_alternative<Repeat>(input)) return acknowledge_ ? output_->send(sent_) : void();
    if (acknowledge_) {
        output_->send(packet != nullptr ? "+" : "-");
        if (packet == nullptr) return;
    }
    // On a line that loses nothing a damaged packet is not sent again, and whoever sent it waits.
    if (const Answer answer = packet != nullptr ? handle(packet->text) : kBadRequest) send(*answer);
}

void Stub::tell(const MachineEvent& event) {
    if (!debugger_) return;
    if (event.kind == MachineEvent::Kind::resumed && !running_) {  // by somebody else: gdb will see when it asks
        stop_.reset();
        debugger_->resume();
    } else if (event.kind == MachineEvent::Kind::stopped && running_) {
        running_ = false;
        send(stop_reply());
    } else if (event.kind == MachineEvent::Kind::ended && running_) {
        running_ = false;
        send("W00");
    }
}

std::string Stub::stop_reply() const {
    unsigned signal = kTrapped;
    std::string watched;
    if (!stop_) {
        signal = kInterrupted;
    } else if (stop_->cause == Debugger::Cause::exception) {
        signal = signal_of(stop_->vector);
    } else if (stop_->cause == Debugger::Cause::shutdown) {
        signal = kAborted;
    } else if (stop_->cause == Debugger::Cause::watchpoint) {
        const char* kind = stop_->access == Debugger::Access::write  ? "watch"
                           : stop_->access == Debugger::Access::read ? "rwatch"
                                                                     : "awatch";
        watched = fmt::format("{}:{:x};", kind, stop_->address);
    }
    return fmt::format("T{:02x}{}thread:01;", signal, watched);
}

Stub::Answer Stub::handle(std::string_view packet) {
    if (packet.empty()) return kUnknown;
    const std::string_view rest = packet.substr(1);
    switch (const char kind = packet.front()) {
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
        case 'X':
            return write_memory(rest, kind == 'X');
        case 'Z':
        case 'z':
            return breakpoint(rest, kind == 'Z');
        case 'c':
        case 'C':
        case 's':
        case 'S':
            return resume(kind, rest);
        case 'v':
            if (packet == "vCont?") return "vCont;c;C;s;S";
            if (packet.starts_with("vCont;")) return resume_each(packet.substr(6));
            return kUnknown;
        case 'D':
            return detach();
        case 'k':
            machine_.quit();
            return std::nullopt;
        case 'H':
            return (rest.starts_with('c') || rest.starts_with('g')) && names_our_thread(rest.substr(1)) ? kOk
                                                                                                        : kBadRequest;
        case 'T':
            return names_our_thread(rest) ? kOk : kBadRequest;
        case 'q':
        case 'Q':
            return query(packet);
        default:
            return kUnknown;
    }
}

Stub::Answer Stub::query(std::string_view packet) {
    if (packet == "qSupported" || packet.starts_with("qSupported:")) {
        return fmt::format("PacketSize={:x};qXfer:features:read+;QStartNoAckMode+;vContSupported+",
                           PacketReader::kMostBytes);
    }
    if (packet == "QStartNoAckMode") {
        acknowledge_ = false;
        return kOk;
    }
    if (take_prefix(packet, "qXfer:features:read:")) {
        return take_prefix(packet, "target.xml:") ? description_part(packet) : kNoSuchAnnex;
    }
    if (take_prefix(packet, "qRcmd,")) return console(packet);
    if (packet == "qC") return "QC01";
    if (packet == "qfThreadInfo") return "m01";
    if (packet == "qsThreadInfo") return "l";
    if (take_prefix(packet, "qThreadExtraInfo,")) return to_hex(std::string_view("CPU 0"));
    if (packet == "qAttached") return "1";  // gdb detaches when it quits
    if (packet == "qqemu.PhyMemMode") return physical_ ? "1" : "0";
    if (take_prefix(packet, "Qqemu.PhyMemMode:")) {
        if (packet != "0" && packet != "1") return kBadRequest;
        physical_ = packet == "1";
        return kOk;
    }
    return kUnknown;
}

Stub::Answer Stub::description_part(std::string_view packet) {
    const auto range = take_range(packet);
    const std::string text = registers_->description();
    if (!range || !packet.empty() || range->address > text.size()) return kBadRequest;
    const std::string part = text.substr(range->address, std::min<u64>(range->length, PacketReader::kMostBytes));
    return (range->address + part.size() < text.size() ? "m" : "l") + part;
}

// --- registers

Stub::Answer Stub::read_registers() {
    std::string digits;
    for (std::size_t i = 0; i < registers_->count(); ++i) digits += to_hex(registers_->read(i));
    return digits;
}

/// All or none: those that cannot be written, or not with every value, have to be as they are.
Stub::Answer Stub::write_registers(std::string_view digits) {
    const auto bytes = from_hex(digits);
    if (!bytes) return kBadRequest;
    std::vector<std::span<const u8>> values;
    std::span<const u8> rest = *bytes;
    for (std::size_t i = 0; i < registers_->count(); ++i) {
        if (rest.size() < registers_->bytes(i)) return kBadRequest;
        values.push_back(rest.first(registers_->bytes(i)));
        rest = rest.subspan(registers_->bytes(i));
        const std::vector<u8> now = registers_->read(i);
        if (!registers_->plain(i) && !std::equal(now.begin(), now.end(), values.back().begin())) return kBadRequest;
    }
    if (!rest.empty()) return kBadRequest;
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (registers_->plain(i)) static_cast<void>(registers_->write(i, values[i]));
    }
    return kOk;
}

Stub::Answer Stub::one_register(std::string_view packet) {
    std::string_view rest = packet.substr(1);
    const auto index = take_number(rest);
    if (!index || *index >= registers_->count()) return kBadRequest;
    if (packet.front() == 'p') return rest.empty() ? to_hex(registers_->read(*index)) : kBadRequest;
    if (!take_prefix(rest, "=")) return kBadRequest;
    const auto value = from_hex(rest);
    if (!value) return kBadRequest;
    const Result<void> written = registers_->write(*index, *value);
    return written ? kOk : "E." + written.error().message;  // gdb shows the text
}

// --- memory

Stub::Answer Stub::read_memory(std::string_view packet) {
    const auto range = take_range(packet);
    if (!range || !packet.empty()) return kBadRequest;
    std::vector<u8> bytes(std::min<u64>(range->length, PacketReader::kMostBytes / 2));
    const ReadMemory read = physical_ ? physical_reader(machine_.cpu()) : linear_reader(machine_.cpu());
    // As far as it is mapped: gdb asks again for the rest.
    std::size_t got = 0;
    while (got < bytes.size()) {
        const u64 address = range->address + got;
        const std::size_t part = std::min<std::size_t>(bytes.size() - got, kPageSize - address % kPageSize);
        if (address < range->address || !read(address, std::span(bytes).subspan(got, part))) break;
        got += part;
    }
    if (got == 0 && !bytes.empty()) return kBadAddress;
    return to_hex(std::span<const u8>(bytes).first(got));
}

Stub::Answer Stub::write_memory(std::string_view packet, bool binary) {
    const auto range = take_range(packet);
    if (!range || !take_prefix(packet, ":")) return kBadRequest;
    const auto bytes = binary ? std::optional(std::vector<u8>(packet.begin(), packet.end())) : from_hex(packet);
    if (!bytes || bytes->size() != range->length) return kBadRequest;
    if (range->address + range->length < range->address) return kBadAddress;
    const bool written = physical_ ? write_physical(machine_.cpu(), range->address, *bytes)
                                   : write_linear(machine_.cpu(), range->address, *bytes);
    return written ? kOk : kBadAddress;
}

// --- breakpoints and going on

Stub::Answer Stub::breakpoint(std::string_view packet, bool insert) {
    const auto kind = take_number(packet);
    const bool comma = take_prefix(packet, ",");
    const auto range = take_range(packet);
    if (kind && *kind > 4) return kUnknown;
    if (!kind || !comma || !range || !packet.empty()) return kBadRequest;
    const Linear place{range->address};
    if (*kind <= 1) {  // software and hardware ones are the same here
        if (insert) return debugger_->add_breakpoint(place) ? kOk : kBadRequest;
        debugger_->remove_breakpoint(place);
        return kOk;
    }
    const auto access = *kind == 2   ? Debugger::Access::write
                        : *kind == 3 ? Debugger::Access::read
                                     : Debugger::Access::any;
    if (insert) return debugger_->add_watchpoint(place, range->length, access) ? kOk : kBadRequest;
    debugger_->remove_watchpoint(place, range->length, access);
    return kOk;
}

/// "ADDRESS", or "SIGNAL;ADDRESS" where `how` is a capital; the address may be left out.
Stub::Answer Stub::resume(char how, std::string_view rest) {
    if (how == 'C' || how == 'S') {
        if (!take_signal(rest) || (!rest.empty() && (!take_prefix(rest, ";") || rest.empty()))) return kBadRequest;
    }
    if (!rest.empty()) {
        const auto address = take_number(rest);
        if (!address || !rest.empty()) return kBadRequest;
        set_instruction_pointer(machine_.cpu(), *address);
    }
    return go_on(how == 's' || how == 'S');
}

/// "s:1;c": the first action that is for our only processor.
Stub::Answer Stub::resume_each(std::string_view actions) {
    constexpr std::string_view kActions = "cCsS";
    for (;;) {
        const std::size_t end = std::min(actions.find(';'), actions.size());
        std::string_view action = actions.substr(0, end);
        if (action.empty() || kActions.find(action.front()) == kActions.npos) return kBadRequest;
        const char how = action.front();
        action.remove_prefix(1);
        if ((how == 'C' || how == 'S') && !take_signal(action)) return kBadRequest;
        if (action.empty() || (take_prefix(action, ":") && names_our_thread(action)))
            return go_on(how == 's' || how == 'S');
        if (end == actions.size()) return kBadRequest;
        actions.remove_prefix(end + 1);
    }
}

Stub::Answer Stub::go_on(bool step) {
    stop_.reset();
    running_ = true;
    step ? debugger_->step() : debugger_->resume();
    machine_.cont();
    return std::nullopt;
}

Stub::Answer Stub::detach() {
    send(kOk);
    leave();
    machine_.cont();
    return std::nullopt;
}

// --- `monitor`

Stub::Answer Stub::console(std::string_view digits) {
    const auto bytes = from_hex(digits);
    if (!bytes) return kBadRequest;
    const std::string line(bytes->begin(), bytes->end());
    const std::vector<std::string> words = split_words(line);
    std::string text;
    if (!words.empty() && words.front() == "catch") {
        text = catch_exceptions(std::span(words).subspan(1));
    } else {
        text = execute_monitor_line(machine_, line).text;
        if (words.size() == 1 && words.front() == "help")
            text +=
                fmt::format("{:<34} {}\n", "catch [EXCEPTION]...", "stop at exceptions: all, none, page-fault, ...");
    }
    return text.empty() ? kOk : to_hex(text);
}

std::string Stub::catch_exceptions(std::span<const std::string> words) {
    if (!words.empty()) {
        const Result<u32> caught = parse_exceptions(words);
        if (!caught) return caught.error().message + "\n";
        debugger_->catch_exceptions(caught.value());
    }
    return fmt::format("caught: {}\n", exception_names(debugger_->caught_exceptions()));
}

}  // namespace bantam::frontend::gdb
