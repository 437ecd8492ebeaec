// Fuzz target: what a peer of --gdb sends. The input is a stream of bytes, and again lines that are packets whose sums
// are right. Whatever comes, what goes out is acknowledgements and whole packets, one for each that asks for an answer.
// Of the monitor's commands only those that touch no files are let through. The machine does not run: what code does
// with odd registers is the target translator's.
#include <sanitizer/lsan_interface.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <string>

#include "base/check.h"
#include "frontend/gdb/stub.h"
#include "frontend/values.h"

namespace {

using namespace bantam;
using frontend::gdb::Packet;
using frontend::gdb::PacketReader;
using frontend::gdb::Stub;

class Sink final : public frontend::ControlLine::Output {
public:
    void send(std::string_view text) override {
        for (std::string_view rest = text; !rest.empty();) {
            if (rest.front() == '+' || rest.front() == '-') {
                rest.remove_prefix(1);
                continue;
            }
            PacketReader reader;
            reader.put(rest);
            const auto packet = reader.next();
            CHECK(rest.size() > PacketReader::kMostBytes || (packet && std::holds_alternative<Packet>(*packet)));
            CHECK(!reader.next());
            ++packets;
            break;
        }
    }
    [[nodiscard]] bool ended() const override { return false; }
    unsigned packets = 0;
};

struct Guest {
    Guest() {
        MachineConfig config;
        config.memory_bytes = u64{1} << 20;
        config.headless = true;
        auto made = Machine::create(config);
        CHECK(made.ok());
        machine = std::move(made.value());
        // LeakSanitizer does not look into low memory by itself, and the CPU's lists of watches are held from there.
        __lsan_register_root_region(&machine->cpu(), sizeof(Cpu));
        machine->observe([this](const MachineEvent& event) {
            if (stub != nullptr) stub->tell(event);
        });
    }
    std::unique_ptr<Machine> machine;
    std::unique_ptr<Stub> stub;
};

bool touches_files(std::string_view packet) {
    if (!frontend::gdb::take_prefix(packet, "qRcmd,")) return false;
    const auto line = frontend::gdb::from_hex(packet);
    if (!line) return false;
    const auto words = frontend::split_words(std::string(line->begin(), line->end()));
    constexpr std::array<std::string_view, 6> kHarmless{"catch", "help", "info", "stop", "cont", "screentext"};
    return !words.empty() && std::find(kHarmless.begin(), kHarmless.end(), words.front()) == kHarmless.end();
}

void feed(Guest& guest, std::string_view input) {
    const auto sink = std::make_shared<Sink>();
    guest.stub = std::make_unique<Stub>(*guest.machine, sink, 0);
    PacketReader reader;
    reader.put(input);
    while (const auto next = reader.next()) {
        const auto* packet = std::get_if<Packet>(&*next);
        if (packet == nullptr || !touches_files(packet->text)) guest.stub->take(*next);
    }
    while (!input.empty()) {
        const std::size_t end = std::min(input.find('\n'), input.size());
        const std::string line(input.substr(0, end));
        input.remove_prefix(std::min(end + 1, input.size()));
        if (line.size() > PacketReader::kMostBytes || touches_files(line)) continue;
        const unsigned before = sink->packets;
        guest.stub->take(Packet{line});
        CHECK(sink->packets <= before + 1);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    static Guest guest;
    feed(guest, input);
    guest.stub->leave();
    return 0;
}
