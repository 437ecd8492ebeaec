// gdb's remote protocol without gdb: packets out of a stream of bytes, and what the stub makes of them on a machine
// that does not run.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "frontend/gdb/packets.h"
#include "frontend/gdb/stub.h"

namespace bantam::frontend::gdb {
namespace {

// --- packets

std::string told(const Input& input) {
    if (std::holds_alternative<Interrupt>(input)) return "interrupt";
    if (std::holds_alternative<Repeat>(input)) return "repeat";
    const auto* packet = std::get_if<Packet>(&input);
    return packet != nullptr ? packet->text : "damaged";
}
using Told = std::vector<std::string>;

Told read(std::initializer_list<std::string_view> pieces) {
    PacketReader reader;
    Told all;
    for (const std::string_view piece : pieces) {
        reader.put(piece);
        while (const auto input = reader.next()) all.push_back(told(*input));
    }
    return all;
}

TEST(GdbPackets, WholeSplitAndJoined) {
    EXPECT_EQ(read({"$qC#b4"}), (Told{"qC"}));
    EXPECT_EQ(read({"$", "q", "C", "#", "b", "4"}), (Told{"qC"}));
    EXPECT_EQ(read({"+$qC#B4+$?#3f$g#6"}), (Told{"qC", "?"}));
    EXPECT_EQ(read({"$#00"}), (Told{""}));
    EXPECT_EQ(read({"-\x03noise+"}), (Told{"repeat", "interrupt"}));
}

TEST(GdbPackets, WrongSumsAreDamage) {
    EXPECT_EQ(read({"$qC#b5$qC#b4"}), (Told{"damaged", "qC"}));
    EXPECT_EQ(read({"$qC#x4$qC#4x$qC##4$?#3f"}), (Told{"damaged", "damaged", "damaged", "?"}));
}

TEST(GdbPackets, EscapesAndBinaryData) {
    EXPECT_EQ(read({framed("X1,4:#$}*\x03")}), (Told{"X1,4:#$}*\x03"}));
    EXPECT_EQ(framed("a#$}*b"), "$a}\x03}\x04}]}\nb#25");
    EXPECT_EQ(read({std::string_view("$X\0\xFF\x03#5a", 8)}), (Told{std::string("X\0\xFF\x03", 4)}))
        << "Ctrl-C is data there";
    EXPECT_EQ(read({"$a}#de"}), (Told{"a}"})) << "an escape of nothing";
}

TEST(GdbPackets, ADollarBeginsAnew) {
    EXPECT_EQ(read({"$m10$qC#b4"}), (Told{"qC"})) << "unescaped it cannot be data: the rest of that packet was lost";
}

TEST(GdbPackets, TheLongestAndLonger) {
    const std::string longest(PacketReader::kMostBytes, 'x');
    const std::string packet = framed(longest);
    EXPECT_EQ(read({packet.substr(0, packet.size() - 3), "#", packet.substr(packet.size() - 2)}), (Told{longest}))
        << "as many bytes as qSupported says";
    const std::string more = framed(longest + "yyyy\x03-yyy");
    EXPECT_EQ(read({more.substr(0, PacketReader::kMostBytes + 3), more.substr(PacketReader::kMostBytes + 3), "$qC#b4"}),
              (Told{"damaged", "qC"}))
        << "its rest is no input of its own";
}

TEST(GdbPackets, Numbers) {
    std::string_view text = "1aFfz";
    EXPECT_EQ(take_number(text), 0x1AFFu);
    EXPECT_EQ(text, "z");
    EXPECT_FALSE(take_number(text));
    text = "ffffffffffffffff,";
    EXPECT_EQ(take_number(text), ~u64{0});
    text = "10000000000000000";
    EXPECT_FALSE(take_number(text));
    EXPECT_EQ(from_hex("00fF"), (std::vector<u8>{0, 255}));
    EXPECT_FALSE(from_hex("0"));
    EXPECT_FALSE(from_hex("0g"));
}

// --- the stub

class Sink final : public ControlLine::Output {
public:
    void send(std::string_view text) override { sent += text; }
    [[nodiscard]] bool ended() const override { return false; }
    std::string sent;
};

class GdbStub : public testing::Test {
protected:
    GdbStub() {
        MachineConfig config;
        config.memory_bytes = u64{2} << 20;
        config.headless = true;
        Result<std::unique_ptr<Machine>> made = Machine::create(config);
        if (!made) throw std::runtime_error(made.error().message);
        machine_ = std::move(made.value());
        machine_->observe([this](const MachineEvent& event) { stub_->tell(event); });
        connect();
        ask("QStartNoAckMode");
    }
    ~GdbStub() override { stub_->leave(); }

    void connect(unsigned bits = 0) {
        stub_ = std::make_unique<Stub>(*machine_, sink_, bits);
        sink_->sent.clear();
    }
    /// What was sent since the last time, without framing.
    std::string sent() {
        const std::string text = std::exchange(sink_->sent, "");
        PacketReader reader;
        reader.put(text);
        std::string all;
        while (const auto input = reader.next()) all += (all.empty() ? "" : " ") + told(*input);
        return all;
    }
    std::string ask(std::string text) {
        sent();
        stub_->take(Packet{std::move(text)});
        return sent();
    }
    void in_protected_mode() {
        Cpu& cpu = machine_->cpu();
        cpu.state.cr0 |= 1;
        cpu.set_segment(kCs, 8, 0, ~u32{0}, 0xC09B);
        cpu.update_mode();
    }
    void in_long_mode() {
        in_protected_mode();
        Cpu& cpu = machine_->cpu();
        cpu.state.cr4 |= 0x20;
        cpu.state.cr3 = 0x10000;
        cpu.state.efer = 0x500;
        cpu.state.cr0 |= u64{1} << 31;
        for (const u64 table : {0x10000, 0x11000}) machine_->memory().write({table}, 8, table + 0x1003);
        machine_->memory().write({0x12000}, 8, 0x83);  // 2 MiB from 0
        cpu.set_segment(kCs, 8, 0, ~u32{0}, 0xA09B);
        cpu.update_mode();
    }

    std::shared_ptr<Sink> sink_ = std::make_shared<Sink>();
    std::unique_ptr<Machine> machine_;
    std::unique_ptr<Stub> stub_;
};

TEST_F(GdbStub, AcknowledgesUntilToldNotTo) {
    connect();
    stub_->take(Packet{"qC"});
    EXPECT_EQ(sink_->sent, "+$QC01#f5");
    stub_->take(Repeat{});
    EXPECT_EQ(sink_->sent, "+$QC01#f5$QC01#f5");
    sink_->sent.clear();
    stub_->take(Damaged{});
    EXPECT_EQ(sink_->sent, "-");
    stub_->take(Packet{"QStartNoAckMode"});
    EXPECT_EQ(sink_->sent, "-+$OK#9a");
    sink_->sent.clear();
    stub_->take(Repeat{});
    EXPECT_EQ(sink_->sent, "") << "no packet is repeated on a line that loses none";
    stub_->take(Damaged{});
    EXPECT_EQ(sink_->sent, "$E16#ac") << "nor sent again: whoever waits shall not for ever";
}

TEST_F(GdbStub, StopsTheMachineWithTheFirstPacketOnly) {
    connect();
    machine_->cont();
    stub_->leave();
    EXPECT_TRUE(machine_->running()) << "somebody looked at the port";
    connect();
    stub_->take(Interrupt{});
    EXPECT_TRUE(machine_->running());
    EXPECT_EQ(ask("?"), "T02thread:01;");
    EXPECT_FALSE(machine_->running());
    EXPECT_EQ(ask("D"), "OK");
    EXPECT_TRUE(machine_->running());
    EXPECT_EQ(ask("g"), "") << "it has left";
}

TEST_F(GdbStub, TheMonitorMayStopAndContinueToo) {
    EXPECT_FALSE(machine_->running());
    EXPECT_EQ(ask("c"), "");
    EXPECT_TRUE(machine_->running());
    machine_->stop();
    EXPECT_EQ(sent(), "T02thread:01;");
    machine_->cont();
    machine_->stop();
    EXPECT_EQ(sent(), "") << "gdb does not wait for anything";
    EXPECT_EQ(ask("vCont;s:1;c"), "");
    machine_->quit();
    EXPECT_EQ(sent(), "W00");
}

TEST_F(GdbStub, AnswersWhatItSupports) {
    EXPECT_EQ(ask("qSupported:xmlRegisters=i386"),
              "PacketSize=4000;qXfer:features:read+;QStartNoAckMode+;vContSupported+");
    EXPECT_EQ(ask("vCont?"), "vCont;c;C;s;S");
    for (const char* unknown : {"qSupportedX", "vMustReplyEmpty", "!", "R00", "bs", "vKill;1", "Z5,0,1", "qFoo", ""})
        EXPECT_EQ(ask(unknown), "") << unknown;
    for (const char* ours : {"Hg0", "Hg1", "Hc-1", "T1"}) EXPECT_EQ(ask(ours), "OK") << ours;
    for (const char* wrong : {"Hg2",       "H",         "T7",         "T",       "Hgx",
                              "Hx1",       "cz",        "s1234x",     "C",       "C0",
                              "C05x",      "S05;",      "vCont;",     "vCont;x", "vCont;cx",
                              "vCont;C:1", "vCont;s:2", "vCont;s:1x", "Z0,1",    "Z0,1,1x",
                              "Z2,1,0",    "m10,4x",    "p0x",        "P0=1",    "qXfer:features:read:target.xml:0,5x"})
        EXPECT_EQ(ask(wrong), "E16") << wrong;
    EXPECT_FALSE(machine_->running());
    EXPECT_EQ(ask("qXfer:features:read:other.xml:0,5"), "E00");
}

TEST_F(GdbStub, DescribesTheModeItFinds) {
    const auto architecture = [this](unsigned bits = 0) {
        connect(bits);
        ask("QStartNoAckMode");
        const std::string text = ask("qXfer:features:read:target.xml:0,3fff");
        const std::size_t begin = text.find("<architecture>") + 14;
        EXPECT_EQ(text.ends_with("</target>"), true);
        EXPECT_EQ(ask("g").size() % 8, 0u);
        return text.substr(begin, text.find('<', begin) - begin);
    };
    EXPECT_EQ(architecture(), "i8086");
    EXPECT_EQ(architecture(64), "i386:x86-64");
    in_protected_mode();
    EXPECT_EQ(architecture(), "i386");
    EXPECT_EQ(architecture(16), "i8086");
    in_long_mode();
    EXPECT_EQ(architecture(), "i386:x86-64");
    EXPECT_EQ(architecture(32), "i386");
}

TEST_F(GdbStub, RegistersKeepWhatTheProcessorCannotHold) {
    in_protected_mode();
    connect(64);
    ask("QStartNoAckMode");
    EXPECT_EQ(ask("P0=ffffffffffffffff"), "OK");
    EXPECT_EQ(ask("p0"), "ffffffff00000000") << "outside long mode there are 32 bits";
    EXPECT_EQ(ask("P10=00000000ffffffff"), "OK");
    EXPECT_EQ(ask("p10"), "0000000000000000") << "RIP likewise";
    EXPECT_EQ(ask("P11=ffffffff"), "OK");
    EXPECT_EQ(ask("p11"), "d77f3d00") << "reserved bits of EFLAGS, and VM";
    EXPECT_EQ(ask("P0=ffffffff"), "E.rax has 64 bits");
    const std::string all = ask("g");
    EXPECT_EQ(ask("G" + all), "OK");
    std::string other = all;
    other[0] = other[0] == '1' ? '2' : '1';
    EXPECT_EQ(ask("G" + other), "OK");
    const std::string changed = ask("g");
    EXPECT_EQ(changed, other);
    EXPECT_EQ(ask("G" + all.substr(2)), "E16");
    EXPECT_EQ(ask("G" + all + "00"), "E16");
    other = ask("g");
    other[0] = '7';
    other[2 * (16 * 8 + 8 + 4)] ^= 1;
    EXPECT_EQ(ask("G" + other), "E16") << "CS, which does not take every value";
    EXPECT_EQ(ask("g").substr(0, 2), changed.substr(0, 2)) << "EAX neither";
}

/// Numbers of registers in the 32-bit description.
constexpr unsigned kCsNumber = 10, kSsNumber = 11, kDsNumber = 12, kEsNumber = 13;

TEST_F(GdbStub, SegmentsOfRealModeHaveTheirBases) {
    ask("P8=00000000");
    EXPECT_EQ(ask(fmt::format("P{:x}=34120000", kDsNumber)), "OK");
    EXPECT_EQ(ask(fmt::format("p{:x}", kDsNumber)), "34120000");
    EXPECT_EQ(machine_->cpu().state.segment[kDs].base, 0x12340u);
    EXPECT_EQ(ask(fmt::format("P{:x}=00f00000", kCsNumber)), "OK");
    EXPECT_EQ(machine_->cpu().state.segment[kCs].base, 0xF0000u);
    EXPECT_EQ(ask(fmt::format("P{:x}=00000100", kDsNumber)),
              "E.the processor refuses this value of ds: general-protection, error code 0h");
    EXPECT_EQ(machine_->cpu().state.segment[kDs].base, 0x12340u);
}

TEST_F(GdbStub, SegmentsOfProtectedModeAreLoadedWithAllChecks) {
    in_protected_mode();
    connect(32);
    ask("QStartNoAckMode");
    Cpu& cpu = machine_->cpu();
    constexpr u64 kGdt = 0x4000;
    // null; flat code; writable data from 0x50000; absent data; code of 64 KiB; a TSS
    const std::array<u64, 6> descriptors{
        0, 0x00CF9B000000FFFF, 0x0040920500000FFF, 0x0040120500000FFF, 0x00409B000000FFFF, 0x0000890000000067};
    for (std::size_t i = 0; i < descriptors.size(); ++i) machine_->memory().write({kGdt + 8 * i}, 8, descriptors[i]);
    cpu.state.gdtr = {kGdt, 47};
    const auto load = [this](unsigned segment, unsigned selector) {
        const std::string answer = ask(fmt::format("P{:x}={:02x}000000", segment, selector));
        const std::size_t colon = answer.find(": ");
        return colon == answer.npos ? answer : answer.substr(colon + 2);
    };
    EXPECT_EQ(load(kDsNumber, 0x10), "OK");
    EXPECT_EQ(cpu.state.segment[kDs].base, 0x50000u);
    EXPECT_EQ(machine_->memory().read({kGdt + 0x15}, 1), 0x93u) << "accessed";
    EXPECT_EQ(load(kEsNumber, 0), "OK") << "a null selector";
    EXPECT_EQ(load(kEsNumber, 0x18), "segment-not-present, error code 18h");
    EXPECT_EQ(load(kEsNumber, 0x28), "general-protection, error code 28h") << "a TSS";
    EXPECT_EQ(load(kEsNumber, 0x30), "general-protection, error code 30h") << "outside the GDT";
    EXPECT_EQ(cpu.state.segment[kEs].selector, 0u);
    EXPECT_EQ(load(kSsNumber, 0), "general-protection, error code 0h");
    EXPECT_EQ(load(kSsNumber, 0x10), "OK");
    EXPECT_EQ(load(kSsNumber, 0x18), "stack-fault, error code 18h");
    cpu.state.rip() = 0x12345;
    EXPECT_EQ(load(kCsNumber, 0x20), "general-protection, error code 0h") << "EIP lies outside";
    EXPECT_EQ(load(kCsNumber, 0x10), "general-protection, error code 10h") << "data";
    EXPECT_EQ(load(kCsNumber, 0), "general-protection, error code 0h");
    EXPECT_EQ(cpu.state.segment[kCs].selector, 8u);
    cpu.state.rip() = 0x1234;
    EXPECT_EQ(load(kCsNumber, 0x20), "OK");
    EXPECT_EQ(cpu.state.segment[kCs].limit, 0xFFFFu);
    EXPECT_EQ(cpu.state.rip(), 0x1234u);
}

TEST_F(GdbStub, ControlRegistersAreWrittenWithAllChecks) {
    in_long_mode();
    connect(64);
    ask("QStartNoAckMode");
    Cpu& cpu = machine_->cpu();
    const std::string text = ask("qXfer:features:read:target.xml:0,3fff");
    const auto number = [&text](const std::string& name) {
        unsigned count = 0;
        for (std::size_t at = text.find("<reg "); at != text.npos; at = text.find("<reg ", at + 1), ++count)
            if (text.compare(at, name.size() + 12, "<reg name=\"" + name + "\"") == 0) break;
        return count;
    };
    const auto put = [this, &number](const std::string& name, u64 value) {
        std::array<u8, 8> bytes{};
        std::memcpy(bytes.data(), &value, bytes.size());
        return ask(fmt::format("P{:x}={}", number(name), to_hex(std::span<const u8>(bytes))));
    };
    const auto refusal = [](const std::string& name) {
        return fmt::format("E.the processor refuses this value of {}: general-protection, error code 0h", name);
    };
    EXPECT_EQ(put("cr2", 0x1122334455667788), "OK");
    EXPECT_EQ(cpu.state.cr2, 0x1122334455667788u);
    EXPECT_EQ(put("cr4", 0), refusal("cr4")) << "PAE in IA-32e mode";
    EXPECT_EQ(put("cr4", cpu.state.cr4 | u64{1} << 40), refusal("cr4"));
    EXPECT_EQ(put("cr4", cpu.state.cr4 | 0x80), "OK") << "PGE";
    EXPECT_EQ(cpu.state.cr4 & 0x80, 0x80u);
    EXPECT_EQ(put("cr0", cpu.state.cr0 & ~(u64{1} << 31)), refusal("cr0")) << "paging, from 64-bit code";
    EXPECT_EQ(put("cr0", cpu.state.cr0 | 8), "OK") << "TS";
    EXPECT_EQ(cpu.state.cr0 & 8, 8u);
    EXPECT_EQ(put("cr3", ~u64{0}), refusal("cr3"));
    EXPECT_EQ(put("cr8", 16), refusal("cr8"));
    EXPECT_EQ(put("cr8", 9), "OK");
    EXPECT_EQ(cpu.environment.read_task_priority(), 9u);
    EXPECT_EQ(ask(fmt::format("p{:x}", number("cr8"))), "0900000000000000");
    EXPECT_EQ(put("efer", 0x400), refusal("efer")) << "LME while paging";
    EXPECT_EQ(put("efer", 0x900), "OK") << "NXE; LMA is read-only";
    EXPECT_EQ(cpu.state.efer, 0xD00u);
    for (const u64 table : {0x20000, 0x21000}) machine_->memory().write({table}, 8, table + 0x1003);
    machine_->memory().write({0x22000}, 8, 0x200083);  // the same page of 2 MiB for the second one
    machine_->memory().write({0x3000}, 4, 0x1234);
    EXPECT_EQ(ask("m3000,4"), "34120000");
    EXPECT_EQ(put("cr3", 0x20000), "OK");
    EXPECT_NE(ask("m3000,4"), "34120000") << "through the new tables";
    EXPECT_EQ(put("gdtr_base", 0), "E.gdtr_base can only be read");
    in_protected_mode();
}

TEST_F(GdbStub, MemoryByLinearAddress) {
    in_long_mode();
    connect();
    ask("QStartNoAckMode");
    EXPECT_EQ(ask("M20000,4:01020304"), "OK");
    EXPECT_EQ(ask("m20000,4"), "01020304");
    EXPECT_EQ(ask("X20000,4:}\x03#$"), "OK");
    EXPECT_EQ(ask("m20000,4"), "7d032324");
    EXPECT_EQ(ask("X20000,0:"), "OK") << "as gdb finds out whether there is X";
    EXPECT_EQ(ask("X20000,3:ab"), "E16");
    machine_->cpu().set_segment(kCs, 8, 0, ~u32{0}, 0xC09B);
    machine_->cpu().update_mode();
    EXPECT_EQ(ask("m20000,1"), "7d") << "compatibility mode";
}

TEST_F(GdbStub, MemoryThatIsNotThere) {
    in_long_mode();
    connect();
    ask("QStartNoAckMode");
    EXPECT_EQ(ask("m1ffffe,4"), "0000") << "as far as it is mapped";
    EXPECT_EQ(ask("m200000,4"), "E0e");
    EXPECT_EQ(ask("M1ffffe,4:01020304"), "E0e");
    EXPECT_EQ(ask("m1ffffe,2"), "0000") << "all or nothing is written";
    EXPECT_EQ(ask("m8000000000000,1"), "E0e") << "not canonical";
    EXPECT_EQ(ask("mffffffffffffffff,2"), "E0e");
    EXPECT_EQ(ask("m0,0"), "");
    in_protected_mode();
    machine_->cpu().state.cr0 &= ~(u64{1} << 31);
    machine_->cpu().state.efer = 0;
    machine_->cpu().update_mode();
    EXPECT_EQ(ask("m100020000,1"), "E0e") << "beyond 32 bits: not another address";
}

TEST_F(GdbStub, WritesThatDoNotStayAreErrors) {
    EXPECT_EQ(ask("Mfffffff0,1:00"), "E0e") << "the firmware's ROM";
    EXPECT_EQ(ask("M20000,1:5a"), "OK");
    machine_->memory().set_a20(false);
    EXPECT_EQ(ask("M120000,1:77"), "OK");
    EXPECT_EQ(ask("m20000,1"), "77") << "as the processor drives addresses";
    EXPECT_EQ(ask("Qqemu.PhyMemMode:1"), "OK");
    EXPECT_EQ(ask("M120000,1:78"), "OK");
    EXPECT_EQ(ask("m120000,1"), "78");
    machine_->memory().set_a20(true);
    EXPECT_EQ(ask("m120000,1"), "00");
    EXPECT_EQ(ask("Mffffffffffffffff,2:0000"), "E0e");
    EXPECT_EQ(ask("Qqemu.PhyMemMode:2"), "E16");
}

TEST_F(GdbStub, BreakpointsOf64BitsMayBeSetInOtherModes) {
    EXPECT_EQ(ask("Z1,ffffffff81000000,1"), "OK");
    in_long_mode();
    EXPECT_EQ(ask("z1,ffffffff81000000,1"), "OK");
    for (u64 i = 0; i < Debugger::kMostBreakpoints; ++i)
        ASSERT_EQ(ask("Z0," + to_hex(std::array<u8, 2>{static_cast<u8>(i >> 8), static_cast<u8>(i)}) + ",1"), "OK");
    EXPECT_EQ(ask("Z0,20000,1"), "E16");
}

TEST_F(GdbStub, MonitorCommands) {
    const auto monitor = [this](std::string_view line) {
        const auto bytes = from_hex(ask("qRcmd," + to_hex(line)));
        return bytes ? std::string(bytes->begin(), bytes->end()) : "";
    };
    EXPECT_NE(monitor("help").find("catch "), std::string::npos);
    EXPECT_NE(monitor("help").find("info "), std::string::npos);
    EXPECT_NE(monitor("catchall").find("unknown command"), std::string::npos);
    EXPECT_EQ(monitor("catch page-fault 13"), "caught: general-protection page-fault\n");
    EXPECT_EQ(monitor("catch"), "caught: general-protection page-fault\n");
    EXPECT_EQ(monitor("catch 3 debug"), "caught: breakpoint debug\n");
    for (const char* never : {"catch nmi", "catch 8", "catch double-fault", "catch 32"})
        EXPECT_NE(monitor(never).find("cannot be caught"), std::string::npos) << never;
    EXPECT_EQ(monitor("catch none"), "caught: none\n");
    EXPECT_EQ(ask("qRcmd,0"), "E16");
}

}  // namespace
}  // namespace bantam::frontend::gdb
