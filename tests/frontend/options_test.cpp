// The option table through its three users: command line, MACHINE.toml, --print-config.
#include "frontend/options.h"

#include <gtest/gtest.h>

#include <set>

#include "frontend/command_line.h"
#include "frontend/machine_file.h"
#include "frontend/manual.h"

namespace bantam::frontend {
namespace {

Settings parse(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "run");
    Result<CommandLine> line = parse_command_line(std::move(arguments));
    EXPECT_TRUE(line) << line.error().message;
    return line ? line.value().settings : Settings{};
}

std::string message_of(std::vector<std::string> arguments) {
    const Result<CommandLine> line = parse_command_line(std::move(arguments));
    EXPECT_FALSE(line);
    if (line) return {};
    EXPECT_EQ(line.error().status, ExitStatus::usage);
    return line.error().message;
}

/// A value each option accepts, for the tests over the whole table.
std::string sample(const Option& option) {
    if (option.is_flag()) return "true";
    if (option.name == "memory") return "96M";
    if (option.name == "boot") return "dc";
    if (option.name == "engine") return "jit";
    if (option.name == "jit-threshold" || option.name == "jobs") return "4";
    if (option.name == "serial") return "file:a,,b,log=copy of \"it\"";
    if (option.name == "debugcon") return "file:/tmp/debug";
    if (option.name == "gdb") return "tcp:127.0.0.1:1234,bits=64";
    if (option.name == "qmp") return "tcp:127.0.0.1:4444";
    if (option.name == "monitor") return "unix:/tmp/monitor";
    if (option.name == "clock") return "real";
    if (option.name == "display") return "web:[::1]:6081";
    if (option.name == "sound") return "sb16";
    if (option.name == "usb") return "tablet";
    if (option.name == "audio") return "wav:sound.wav";
    if (option.name == "log") return "debug";
    if (option.name == "time-limit" || option.name == "wall-limit" || option.name == "hash-every") return "1500ms";
    if (option.name == "pvpanic") return "pause";
    if (option.name == "disk" || option.name == "flash") return "my,,disk.img,readonly,overlay=temp";
    if (option.name == "module") return "file with arguments";
    if (option.name == "rtc-epoch" || option.name == "offset" || option.name == "length" || option.name == "base")
        return "86400";
    if (option.name == "bits") return "16";
    if (option.name == "screenshot") return "last.png";
    if (option.name == "append") return "console=ttyS0 \"quoted\" \\ \t";
    return "value";
}

TEST(Options, NamesAreUniqueAndDocumented) {
    std::set<std::pair<Command, std::string_view>> seen;
    for (const Option& option : option_table()) {
        EXPECT_TRUE(seen.insert({option.command, option.name}).second) << option.name;
        EXPECT_FALSE(option.help.empty()) << option.name;
        EXPECT_NE(option.help.back(), '.') << option.name;
    }
}

TEST(Options, EveryOptionReadsBackWhatItPrints) {
    for (const Option& option : option_table()) {
        Settings settings;
        const Result<void> set = option.set(settings, sample(option));
        ASSERT_TRUE(set) << option.name << ": " << set.error().message;
        const auto texts = option.get(settings);
        ASSERT_EQ(texts.size(), 1u) << option.name;
        Settings again;
        ASSERT_TRUE(option.set(again, texts.front())) << option.name;
        EXPECT_EQ(option.get(again), texts) << option.name;
    }
}

TEST(Options, PrintedConfigurationLoadsIdentically) {
    Settings settings;
    for (const Option& option : option_table()) {
        if (option.command != Command::run) continue;
        ASSERT_TRUE(option.set(settings, sample(option)));
        if (option.repeatable) {
            ASSERT_TRUE(option.set(settings, sample(option)));
        }
    }
    const std::string text = print_machine_text(settings);
    Settings again;
    const Result<void> read = read_machine_text(text, "printed", again);
    ASSERT_TRUE(read) << read.error().message;
    for (const Option& option : option_table()) {
        if (option.in_file) {
            EXPECT_EQ(option.get(again), option.get(settings)) << option.name;
        }
    }
    EXPECT_EQ(print_machine_text(again), text);
}

TEST(Options, WordsWithCommasPrintAndLoad) {
    Settings settings;
    ASSERT_TRUE(read_machine_text(R"(trace = ["io,,x,y"])", "text", settings));
    EXPECT_EQ(settings.machine.trace.kinds, (std::vector<std::string>{"io,x", "y"}));
    Settings again;
    ASSERT_TRUE(read_machine_text(print_machine_text(settings), "printed", again));
    EXPECT_EQ(again.machine.trace, settings.machine.trace);
}

TEST(Options, TracesPrintAndLoad) {
    Settings settings;
    const Option& trace = *find_option(Command::run, "trace");
    ASSERT_TRUE(trace.set(settings, "io,int,from=2s,count=3,file=a,,b"));
    EXPECT_EQ(settings.machine.trace.kinds, (std::vector<std::string>{"io", "int"}));
    EXPECT_EQ(settings.machine.trace.from_ns, u64{2'000'000'000});
    EXPECT_EQ(settings.machine.trace.count, 3u);
    EXPECT_EQ(settings.machine.trace.file, "a,b");
    Settings again;
    ASSERT_TRUE(read_machine_text(print_machine_text(settings), "printed", again));
    EXPECT_EQ(again.machine.trace, settings.machine.trace);
    for (const char* wrong : {"io,", "io,count=0", "io,from=0", "io,file=", "io,to=3"})
        EXPECT_FALSE(trace.set(settings, wrong)) << wrong;
}

TEST(Options, DefaultsPrintAndLoad) {
    Settings again;
    ASSERT_TRUE(read_machine_text(print_machine_text({}), "printed", again));
    EXPECT_EQ(again.machine.memory_bytes, u64{256} << 20);
}

TEST(Options, HelpManualAndCompletionNameEveryOption) {
    const std::string manual = manual_page();
    const std::string completion = bash_completion();
    for (const Option& option : option_table()) {
        std::string escaped;
        for (const char c : option.name) escaped += c == '-' ? "\\-" : std::string(1, c);
        const std::string topic = option.command == Command::run    ? "run"
                                  : option.command == Command::test ? "test"
                                                                    : "disassemble";
        EXPECT_NE(help_text(topic).find("--" + std::string(option.name)), std::string::npos) << option.name;
        EXPECT_NE(manual.find("\\-\\-" + escaped), std::string::npos) << option.name;
        EXPECT_NE(completion.find("--" + std::string(option.name)), std::string::npos) << option.name;
    }
    for (const ExitStatusInfo& info : exit_status_table()) {
        EXPECT_NE(help_text("").find(info.meaning), std::string::npos);
    }
}

TEST(CommandLine, OptionsOfTheIssue) {
    const Settings s = parse({"--memory",     "64M",
                              "--cpu",        "pentium",
                              "--disk",       "a.img",
                              "--disk",       "b.img,readonly,overlay=temp",
                              "--cdrom",      "c.iso",
                              "--boot",       "dc",
                              "--kernel",     "k",
                              "--initrd",     "i",
                              "--append",     "console=ttyS0 quiet",
                              "--module",     "m one two",
                              "--serial",     "file:out,log=copy",
                              "--serial",     "none",
                              "--debug-exit", "--no-reboot",
                              "--clock",      "virtual",
                              "--time-limit", "30s",
                              "--wall-limit", "1m"});
    EXPECT_EQ(s.machine.memory_bytes, u64{64} << 20);
    EXPECT_EQ(s.machine.cpu, "pentium");
    ASSERT_EQ(s.machine.disks.size(), 2u);
    EXPECT_FALSE(s.machine.disks[0].readonly);
    EXPECT_TRUE(s.machine.disks[1].readonly && s.machine.disks[1].temporary_overlay);
    EXPECT_EQ(s.machine.append, "console=ttyS0 quiet");
    ASSERT_EQ(s.machine.modules.size(), 1u);
    EXPECT_EQ(s.machine.modules[0].arguments, "one two");
    ASSERT_EQ(s.machine.serials.size(), 2u);
    EXPECT_EQ(s.machine.serials[0].log, "copy");
    EXPECT_EQ(s.machine.serials[1].kind, SerialConfig::Kind::none);
    EXPECT_TRUE(s.machine.debug_exit && s.machine.no_reboot);
    EXPECT_EQ(s.machine.clock, ClockKind::virtual_time);
    EXPECT_EQ(s.machine.time_limit_ns, 30'000'000'000u);
    EXPECT_EQ(s.machine.wall_limit_ns, 60'000'000'000u);
}

TEST(CommandLine, KernelRunsTalkOnStdioUnlessToldOtherwise) {
    EXPECT_EQ(parse({"--kernel", "k"}).machine.serials.size(), 1u);
    EXPECT_EQ(parse({"--kernel", "k"}).machine.serials[0].kind, SerialConfig::Kind::stdio);
    EXPECT_EQ(parse({"--kernel", "k", "--serial", "none"}).machine.serials[0].kind, SerialConfig::Kind::none);
    EXPECT_TRUE(parse({"--kernel", "k", "--monitor", "stdio"}).machine.serials.empty());
    EXPECT_TRUE(parse({}).machine.serials.empty());
}

TEST(CommandLine, ValuesMayFollowAnEqualsSign) {
    EXPECT_EQ(parse({"--kernel=k", "--append=-dash"}).machine.append, "-dash");
    EXPECT_FALSE(parse({"--headless=false"}).machine.headless);
    EXPECT_TRUE(parse({"--headless"}).machine.headless);
}

TEST(CommandLine, TheLastOfTwoCounts) { EXPECT_EQ(parse({"--cpu", "486", "--cpu", "p3"}).machine.cpu, "p3"); }

TEST(CommandLine, BadUsageSaysWhatAndSuggests) {
    EXPECT_NE(message_of({}).find("no command"), std::string::npos);
    EXPECT_NE(message_of({"rnu"}).find("did you mean 'run'"), std::string::npos);
    EXPECT_NE(message_of({"run", "--memroy", "1G"}).find("did you mean '--memory'"), std::string::npos);
    EXPECT_NE(message_of({"run", "--memory", "lots"}).find("--memory: 'lots' is no size"), std::string::npos);
    EXPECT_NE(message_of({"run", "--memory"}).find("memory"), std::string::npos);
    EXPECT_NE(message_of({"run", "--disk", "a,read-only"}).find("readonly"), std::string::npos);
    EXPECT_NE(message_of({"run", "--engine", "jti"}).find("interpreter"), std::string::npos);
    EXPECT_NE(message_of({"run", "--jit-threshold", "-1"}).find("number of runs"), std::string::npos);
    EXPECT_NE(message_of({"run", "--engine", "interpreter", "--jit-threshold", "4"}).find("--engine jit"),
              std::string::npos);
    EXPECT_NE(message_of({"run", "--initrd", "i"}).find("--kernel"), std::string::npos);
    EXPECT_NE(message_of({"run", "--kernel", "k", "--serial", "stdio", "--monitor", "stdio"}).find("stdio"),
              std::string::npos);
    EXPECT_NE(message_of({"help", "doctr"}).find("doctor"), std::string::npos);
    EXPECT_NE(message_of({"disassemble"}).find("file"), std::string::npos);
    EXPECT_NE(message_of({"run", "a.toml", "b.toml"}).find("b.toml"), std::string::npos);
    for (int i = 0; i < 5; ++i)
        message_of({"run", "--serial", "none", "--serial", "none", "--serial", "none", "--serial", "none", "--serial",
                    "none"});
}

TEST(MachineFile, ValuesMayBeBareNumbersAndBooleans) {
    Settings settings;
    ASSERT_TRUE(
        read_machine_text("memory = 67108864\nheadless = true\ndisk = ['a.img', 'b.img,readonly']\n", "m", settings));
    EXPECT_EQ(settings.machine.memory_bytes, u64{64} << 20);
    EXPECT_TRUE(settings.machine.headless);
    EXPECT_EQ(settings.machine.disks.size(), 2u);
}

TEST(MachineFile, StringsAndCommentsMayHoldAnyCharacter) {
    Settings settings;
    ASSERT_TRUE(
        read_machine_text("# \xC3\xA9\nkernel = \"\\\"\xC3\xA9 # no comment\"\ninitrd = '\xC3\xA9'\n", "m", settings));
    EXPECT_EQ(settings.machine.kernel, "\"\xC3\xA9 # no comment");
    EXPECT_EQ(settings.machine.initrd, "\xC3\xA9");
    ASSERT_TRUE(read_machine_text("kernel = \"a@b \\u00E9 \xFF\"", "m", settings));
    EXPECT_EQ(settings.machine.kernel, "a@b \xC3\xA9 \xFF");
    ASSERT_TRUE(read_machine_text("disk = [\n  'a',\n  '[b]',\n]\n", "m", settings));
    EXPECT_EQ(settings.machine.disks.size(), 2u);
}

TEST(MachineFile, ErrorsNameLineKeyAndCause) {
    const auto message = [](std::string_view text) {
        Settings settings;
        const Result<void> read = read_machine_text(text, "pc.toml", settings);
        EXPECT_FALSE(read) << text;
        return read ? std::string{} : read.error().message;
    };
    EXPECT_NE(message("\nmemmory = '1G'").find("pc.toml:2: unknown key 'memmory'; did you mean 'memory'?"),
              std::string::npos);
    EXPECT_NE(message("memory = '1Q'").find("pc.toml:1: memory: '1Q' is no size"), std::string::npos);
    EXPECT_NE(message("headless = 'yes'").find("true or false"), std::string::npos);
    EXPECT_NE(message("memory = ['1G', '2G']").find("one value"), std::string::npos);
    EXPECT_NE(message("\n [memory]\nsize = 1").find("pc.toml:2: no table may stand here"), std::string::npos);
    EXPECT_NE(message("disk = [\n{a=1}]").find("pc.toml:2: no table may stand here"), std::string::npos);
    EXPECT_NE(message("memory.size = 1").find("takes a string"), std::string::npos);
    EXPECT_NE(message("memory = ").find("not TOML"), std::string::npos);
    EXPECT_NE(message("memory = '1G'\n\xC3\xA9 = 1").find("pc.toml:2: not TOML"), std::string::npos);
    EXPECT_NE(message("kernel = \"\\u0040\"").find("write '@'"), std::string::npos);
    EXPECT_NE(message("print-config = true").find("unknown key"), std::string::npos);
    EXPECT_NE(message("disk = [1.5]").find("takes a string"), std::string::npos);
}

}  // namespace
}  // namespace bantam::frontend
