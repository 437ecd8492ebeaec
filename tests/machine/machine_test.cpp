// Whole machines: what configurations are refused with, and small multiboot kernels that end in every way there is.
#include "machine/machine.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <sstream>

#include "tests/devices/code_page_437_glyphs.h"
#include "tests/machine/multiboot_image.h"

namespace bantam {
namespace {

class MachineTest : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "bantam-machine-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override {
        for (const char* name : {"kernel", "serial", "disk", "trace"}) ::unlink(path(name).c_str());
        ::rmdir(folder_.c_str());
    }
    [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }
    void write(const std::string& name, const std::vector<u8>& bytes) const { write_bytes(path(name), bytes); }
    [[nodiscard]] std::string contents(const std::string& name) const {
        std::ostringstream text;
        text << std::ifstream(path(name)).rdbuf();
        return text.str();
    }
    /// A multiboot image with `code` at its 32-bit entry point, 1 MiB.
    void write_kernel(const std::vector<u8>& code) const { write("kernel", multiboot_image(code)); }
    [[nodiscard]] MachineConfig config() const {
        MachineConfig config;
        config.memory_bytes = u64{16} << 20;
        config.kernel = path("kernel");
        config.headless = true;
        config.clock = ClockKind::virtual_time;
        config.wall_limit_ns = u64{120} * 1'000'000'000;
        return config;
    }
    static std::unique_ptr<Machine> make(MachineConfig config) {
        Result<std::unique_ptr<Machine>> made = Machine::create(std::move(config));
        EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message);
        return made.ok() ? std::move(made.value()) : nullptr;
    }
    static Error refusal(MachineConfig config) {
        const Result<std::unique_ptr<Machine>> made = Machine::create(std::move(config));
        EXPECT_FALSE(made.ok());
        return made.ok() ? Error{} : made.error();
    }
    std::string folder_;
};

TEST_F(MachineTest, ADroppedImageGoesIntoTheDriveForItsKind) {
    write_kernel({0xF4});
    MachineConfig drives = config();
    drives.cdroms.resize(2, {"none", false, false});
    drives.floppies.resize(1, {"none", false, false});
    const std::unique_ptr<Machine> machine = make(drives);
    ASSERT_NE(machine, nullptr);
    write("disk", std::vector<u8>(1474560));
    const Result<std::string> diskette = machine->insert_image(path("disk"));
    ASSERT_TRUE(diskette) << diskette.error().message;
    EXPECT_EQ(diskette.value(), "floppy0");
    EXPECT_NE(machine->info("block").value().find("1.44M diskette"), std::string::npos);
    ASSERT_TRUE(machine->eject("floppy0"));
    write("disk", std::vector<u8>(65536));
    const Result<std::string> disc = machine->insert_image(path("disk"));
    ASSERT_TRUE(disc) << disc.error().message;
    EXPECT_EQ(disc.value(), "ide1-cd0");
    EXPECT_EQ(machine->insert_image(path("nothing")).error().status, ExitStatus::bad_input);
    const std::unique_ptr<Machine> bare = make(config());
    EXPECT_NE(bare->insert_image(path("disk")).error().message.find("--cdrom none"), std::string::npos);
}

TEST_F(MachineTest, RefusesWhatThisReleaseLacks) {
    write_kernel({0xF4});
    write("disk", std::vector<u8>(1024));
    MachineConfig odd = config();
    odd.floppies.push_back({path("disk"), false, false});
    const Error error = refusal(odd);
    EXPECT_EQ(error.status, ExitStatus::bad_input);
    EXPECT_NE(error.message.find("no diskette has 1024 bytes; known are 163840 (160K)"), std::string::npos);
    MachineConfig three = config();
    three.floppies.resize(3, {"none", false, false});
    EXPECT_EQ(refusal(three).status, ExitStatus::usage);
    MachineConfig five = config();
    five.disks.resize(5, {path("disk"), true, false});
    EXPECT_EQ(refusal(five).status, ExitStatus::usage);
    EXPECT_NE(refusal(five).message.find("four"), std::string::npos);
    MachineConfig twice = config();
    twice.disks.resize(2, {path("disk"), false, false});
    EXPECT_EQ(refusal(twice).status, ExitStatus::host_resource);

    MachineConfig missing = config();
    missing.disks.push_back({path("nothing"), false, false});
    EXPECT_EQ(refusal(missing).status, ExitStatus::bad_input);
    EXPECT_NE(refusal(missing).message.find("nothing"), std::string::npos);
}

TEST_F(MachineTest, RefusesContradictions) {
    write_kernel({0xF4});
    MachineConfig cpu = config();
    cpu.cpu = "z80";
    EXPECT_EQ(refusal(cpu).status, ExitStatus::usage);
    MachineConfig small = config();
    small.memory_bytes = 1000;
    EXPECT_EQ(refusal(small).status, ExitStatus::usage);
    MachineConfig trace = config();
    trace.trace.kinds = {"everything"};
    EXPECT_EQ(refusal(trace).status, ExitStatus::usage);
    MachineConfig initrd = config();
    initrd.kernel.clear();
    initrd.initrd = path("kernel");
    EXPECT_EQ(refusal(initrd).status, ExitStatus::usage);
    MachineConfig waiting = config();
    waiting.paused = true;
    EXPECT_NE(refusal(waiting).message.find("--paused"), std::string::npos);
}

TEST_F(MachineTest, RefusesBadKernelFiles) {
    EXPECT_EQ(refusal(config()).status, ExitStatus::bad_input);  // missing
    write("kernel", {});
    EXPECT_EQ(refusal(config()).status, ExitStatus::bad_input);
    write("kernel", std::vector<u8>(4096, 0x90));
    EXPECT_EQ(refusal(config()).status, ExitStatus::bad_input);
    MachineConfig firmware = config();
    firmware.kernel.clear();
    firmware.firmware = folder_;
    EXPECT_EQ(refusal(firmware).status, ExitStatus::bad_input);
}

TEST_F(MachineTest, DebugExitGivesItsStatus) {
    write_kernel({0xB0, 0x15, 0xE6, 0xF4, 0xEB, 0xFE});  // mov al,15h; out F4h,al; jmp $
    MachineConfig c = config();
    c.debug_exit = true;
    const Outcome outcome = make(c)->run();
    EXPECT_EQ(outcome.reason, StopReason::debug_exit);
    EXPECT_EQ(outcome.code, 43);
}

TEST_F(MachineTest, HaltForGood) {
    write_kernel({0xFA, 0xF4, 0xEB, 0xFD});  // cli; hlt
    EXPECT_EQ(make(config())->run().code, 76);
}

TEST_F(MachineTest, LastWordsAreWritten) {
    // mov dx,3FAh; mov al,1 (FIFOs on); out dx,al; mov dl,F8h; mov al,'o'; out dx,al; mov al,'k'; out dx,al; cli; hlt
    write_kernel({0x66, 0xBA, 0xFA, 0x03, 0xB0, 0x01, 0xEE, 0xB2, 0xF8, 0xB0, 'o', 0xEE, 0xB0, 'k', 0xEE, 0xFA, 0xF4});
    MachineConfig c = config();
    c.serials = {{SerialConfig::Kind::file, path("serial"), ""}};
    EXPECT_EQ(make(c)->run().code, 76);
    EXPECT_EQ(contents("serial"), "ok");
}

TEST_F(MachineTest, TripleFault) {
    write_kernel({0x0F, 0x0B});  // ud2 without an IDT
    MachineConfig c = config();
    c.no_reboot = true;
    const Outcome outcome = make(c)->run();
    EXPECT_EQ(outcome.reason, StopReason::triple_fault);
    EXPECT_EQ(outcome.code, 76);
}

TEST_F(MachineTest, TripleFaultResetsAndStartsTheKernelAgain) {
    // Counts its starts at 200000h; the third one leaves through F4h: inc dword [200000h]; mov eax,[200000h]; cmp al,3;
    // jne ud2; out F4h,al
    write_kernel({0xFF, 0x05, 0, 0, 0x20, 0, 0xA1, 0, 0, 0x20, 0, 0x3C, 3, 0x75, 2, 0xE6, 0xF4, 0x0F, 0x0B});
    MachineConfig c = config();
    c.debug_exit = true;
    EXPECT_EQ(make(c)->run().code, 7);
}

TEST_F(MachineTest, KeyboardControllerReset) {
    write_kernel({0xB0, 0xFE, 0xE6, 0x64, 0xEB, 0xFE});  // mov al,FEh; out 64h,al
    MachineConfig c = config();
    c.no_reboot = true;
    const Outcome outcome = make(c)->run();
    EXPECT_EQ(outcome.reason, StopReason::reset_refused);
    EXPECT_EQ(outcome.code, 0);
}

TEST_F(MachineTest, AcpiPowerOff) {
    write_kernel({0x66, 0xBA, 0x04, 0x06, 0x66, 0xB8, 0x00, 0x20, 0x66, 0xEF, 0xEB, 0xFE});  // out 604h, 2000h
    const Outcome outcome = make(config())->run();
    EXPECT_EQ(outcome.reason, StopReason::power_off);
    EXPECT_EQ(outcome.code, 0);
}

TEST_F(MachineTest, SerialFileGetsTheOutput) {
    // mov dx,3F8h; mov al,'B'; out dx,al; jmp $
    write_kernel({0x66, 0xBA, 0xF8, 0x03, 0xB0, 'B', 0xEE, 0xEB, 0xFE});
    MachineConfig c = config();
    c.serials = {{SerialConfig::Kind::file, path("serial"), ""}};
    c.time_limit_ns = 20'000'000;
    const Outcome outcome = make(c)->run();
    EXPECT_EQ(outcome.reason, StopReason::time_limit);
    EXPECT_EQ(contents("serial"), "B");
}

TEST_F(MachineTest, TwoRunsEndInTheSameState) {
    // in a loop: rdtsc; add [ebx+200000h],eax; in al,40h; add bl,al; jmp
    write_kernel({0x31, 0xDB, 0x0F, 0x31, 0x01, 0x83, 0, 0, 0x20, 0, 0xE4, 0x40, 0x00, 0xC3, 0xEB, 0xF2});
    std::vector<u64> hashes;
    for (int i = 0; i < 3; ++i) {
        MachineConfig c = config();
        c.time_limit_ns = 10'000'000;
        const std::unique_ptr<Machine> machine = make(c);
        EXPECT_EQ(machine->run().reason, StopReason::time_limit);
        constexpr u64 kIoCycle_ns = 720;  // which the limit does not cut short
        EXPECT_GE(machine->now_ns(), 10'000'000u);
        EXPECT_LT(machine->now_ns(), 10'000'000u + kIoCycle_ns);
        hashes.push_back(machine->state_hash());
    }
    EXPECT_EQ(hashes[0], hashes[1]);
    EXPECT_EQ(hashes[1], hashes[2]);
}

TEST_F(MachineTest, WhoLooksOnLeavesTheStateAsItIs) {
    for (const EngineKind engine : {EngineKind::interpreter, EngineKind::jit}) {
        MachineConfig firmware = config();  // with interrupts, idle time and PAUSE
        firmware.kernel.clear();
        firmware.engine = engine;
        firmware.time_limit_ns = 400'000'000;
        const std::unique_ptr<Machine> alone = make(firmware);
        alone->run();

        const std::unique_ptr<Machine> watched = make(firmware);
        unsigned looks = 0;
        watched->watch(700'000, [&] {
            ++looks;
            static_cast<void>(watched->state_hash());
        });
        watched->run();
        EXPECT_EQ(looks, 571u);
        EXPECT_EQ(watched->now_ns(), alone->now_ns());
        EXPECT_EQ(watched->state_hash(), alone->state_hash());

        firmware.trace = {.kinds = {"insn"}, .file = path("trace"), .from_ns = 123'456'789, .count = 1000};
        const std::unique_ptr<Machine> traced = make(firmware);
        traced->run();
        EXPECT_EQ(traced->now_ns(), alone->now_ns());
        EXPECT_EQ(traced->state_hash(), alone->state_hash());
    }
}

TEST_F(MachineTest, InfoScreenAndKeysWithoutRunning) {
    write_kernel({0xF4});
    const std::unique_ptr<Machine> machine = make(config());
    for (const char* what : {"registers", "mem", "tlb", "pci", "irq", "map", "block", "rtc", "i8254"}) {
        const Result<std::string> text = machine->info(what);
        ASSERT_TRUE(text.ok()) << what;
        EXPECT_FALSE(text.value().empty()) << what;
    }
    EXPECT_EQ(machine->info("nonsense").error().status, ExitStatus::usage);
    EXPECT_TRUE(machine->send_keys("ctrl-alt-delete").ok());
    EXPECT_EQ(machine->send_keys("nokey").error().status, ExitStatus::usage);
    EXPECT_EQ(machine->eject("cd0").error().status, ExitStatus::usage);
    EXPECT_EQ(machine->screen_text(devices::code_page_437_glyphs()).find_first_not_of('\n'), std::string::npos);
    EXPECT_EQ(machine->screendump("x.gif").error().status, ExitStatus::usage);
}

TEST_F(MachineTest, SeaBiosComesToItsEnd) {
    MachineConfig firmware = config();
    firmware.kernel.clear();
    firmware.time_limit_ns = u64{10} * 1'000'000'000;
    const std::unique_ptr<Machine> machine = make(firmware);
    ASSERT_NE(machine, nullptr);
    machine->run();
    const std::string screen = machine->screen_text(devices::code_page_437_glyphs());
    EXPECT_NE(screen.find("SeaBIOS (version"), std::string::npos) << screen;
    EXPECT_NE(screen.find("No bootable device."), std::string::npos) << screen;
}

}  // namespace
}  // namespace bantam
