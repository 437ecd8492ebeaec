// Scenario files: what they say, what they are refused with, and that the document's examples are scenarios.
#include "frontend/scenario_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "frontend/flat_toml.h"
#include "machine/image_writer.h"

namespace bantam::frontend {
namespace {

Result<std::string> no_files(const std::string& path, std::size_t) {
    return Error{ExitStatus::bad_input, "no " + path};
}

std::string refusal(std::string_view text, const ReadFile& files = no_files) {
    const auto read = read_scenario_text(text, "s.toml", files);
    EXPECT_FALSE(read.ok());
    if (read) return {};
    EXPECT_EQ(read.error().status, ExitStatus::bad_input);
    return read.error().message;
}

TEST(ScenarioFile, ReadsStepsWithVariables) {
    const auto read = read_scenario_text(
        "about = \"x\"\nlimit = \"5s\"\n[variables]\nwho = \"you\" # [[step]]\n[machine]\nmemory = \"16M\"\n"
        "[[step]]\nwait-screen = '''\n[[step]]${who}'''\nlimit = \"1s\"\n[[step]]\nkeys = [\n\"down\",\n\"ctrl-c\"]\n"
        "[[step]]\nsend = \"$$ä\"\n",
        "s.toml", no_files);
    ASSERT_TRUE(read.ok()) << read.error().message;
    const scenario::Scenario& s = read.value();
    EXPECT_EQ(s.machine.memory_bytes, u64{16} << 20);
    EXPECT_EQ(s.machine.serials.size(), 1u);
    EXPECT_EQ(s.limit_ns, u64{5'000'000'000});
    ASSERT_EQ(s.steps.size(), 3u);
    EXPECT_EQ(s.steps[0].text, "[[step]]you");
    EXPECT_EQ(s.steps[0].limit_ns, u64{1'000'000'000});
    ASSERT_EQ(s.steps[1].chords.size(), 2u);
    EXPECT_EQ(s.steps[1].chords[1].keys.size(), 2u);
    EXPECT_EQ(s.steps[2].text, "$ä");
}

TEST(ScenarioFile, RefusesWithLineCauseAndSuggestion) {
    EXPECT_EQ(refusal("[[step]]\nwait-scren = \"x\"\n").substr(0, 62),
              "s.toml:2: unknown key 'wait-scren'; did you mean 'wait-screen'");
    EXPECT_NE(refusal("[machin]\n")
                  .find("s.toml:1: '[machin]' is no part of a scenario, which has [machine], [variables], [[step]] and "
                        "[[step.step]]; did you mean '[machine]'"),
              std::string::npos);
    EXPECT_NE(refusal("[machine]\n\nmemroy = \"1M\"\n").find("s.toml:3: unknown key 'memroy'; did you mean 'memory'"),
              std::string::npos);
    EXPECT_NE(refusal("[machine]\nmemory = \"16M\"\ncdrom = \"${gusts}\"\n[variables]\nguests = \"x\"\n")
                  .find("s.toml:3: there is no variable 'gusts'; did you mean 'guests'?"),
              std::string::npos);
    EXPECT_NE(refusal("[machine]\nclock = \"real\"\n[[step]]\nsend = \"a\"\n").find("leave it out"), std::string::npos);
    EXPECT_NE(refusal("[[step]]\nkeys = [\"0x1d\", \"ctlr-c\"]\n").find("unknown key 'ctlr'"), std::string::npos);
    EXPECT_NE(refusal("[[step]]\nkeys = [\"0x1d\", \"0x1d-ctlr-c\"]\n").find("did you mean 'ctrl'?"),
              std::string::npos);
    EXPECT_NE(refusal("[[step]]\ntype = \"ä\"\n").find("s.toml:2: a US keyboard has no key"), std::string::npos);
    EXPECT_NE(refusal("[[step]]\nsend = \"${a}\"\n").find("s.toml:2: there is no variable 'a'"), std::string::npos);
    EXPECT_NE(refusal("[[step]]\nsend = \"a\"\ntype = \"b\"\n").find("s.toml:3: one step does one thing"),
              std::string::npos);
    EXPECT_NE(refusal("[[step]]\nwait-serial-regex = \"(\"\n").find("no regular expression"), std::string::npos);
    EXPECT_NE(refusal("[[step]]\nsend = \"a\"\nport = 2\n").find("the machine has 1 serial lines"), std::string::npos);
    EXPECT_NE(refusal("[machine]\nclock = \"real\"\n[[step]]\nsend = \"a\"\n").find("virtual time"), std::string::npos);
    EXPECT_NE(refusal("[[step]]\nsend = []\n").find("takes one string"), std::string::npos);
    EXPECT_NE(refusal("").find("there is no [[step]]"), std::string::npos);
    EXPECT_NE(refusal("[[step]]\nsend = \"a\n[[step]]\n").find("s.toml:2"), std::string::npos);
}

// --- the keys beside, repetition, other files

/// The files as they are called.
ReadFile files(std::map<std::string, std::string> texts) {
    return [texts = std::move(texts)](const std::string& path, std::size_t) -> Result<std::string> {
        const auto found = texts.find(path);
        if (found == texts.end()) return Error{ExitStatus::bad_input, "cannot read " + path};
        return found->second;
    };
}

TEST(ScenarioFile, ReadsWhatStandsBesideAStep) {
    const std::vector<u8> png = encode_png({.width = 2, .height = 1, .pixels = {0x112233, 0}});
    const auto read = read_scenario_text(
        "[[step]]\nwait-picture = \"a.png\"\nat = \"3,4\"\ntolerance = 5\n"
        "[[step]]\nwait-io = \"0x80=0x55\"\n[[step]]\nwait-io = 0x3f8\n[[step]]\nwait-address = \"0x7c00\"\n"
        "[[step]]\nclick = \"10,20\"\nbutton = \"right\"\n[[step]]\nwait-idle = \"1s\"\n[[step]]\nrun = \"true\"\n",
        "here/s.toml", files({{"here/a.png", std::string(png.begin(), png.end())}}));
    ASSERT_TRUE(read.ok()) << read.error().message;
    const auto& steps = read.value().steps;
    ASSERT_EQ(steps.size(), 7u);
    EXPECT_EQ(steps[0].picture->pixels, (std::vector<u32>{0xFF112233, 0xFF000000}));
    EXPECT_EQ(steps[0].x, 3u);
    EXPECT_EQ(steps[0].tolerance, 5u);
    EXPECT_EQ(steps[1].address, 0x80u);
    EXPECT_EQ(steps[1].value, 0x55u);
    EXPECT_EQ(steps[2].address, 0x3F8u);
    EXPECT_FALSE(steps[2].value);
    EXPECT_EQ(steps[3].address, 0x7C00u);
    EXPECT_EQ(steps[4].y, 20u);
    EXPECT_EQ(steps[4].buttons, 2u);
    EXPECT_EQ(steps[4].place, "line 12");
    EXPECT_EQ(steps[5].duration_ns, u64{1'000'000'000});
}

TEST(ScenarioFile, RefusesWhatSaysNothingThere) {
    EXPECT_NE(
        refusal("[[step]]\ntype = \"x\"\ntolerance = 3\n").find("s.toml:3: 'tolerance' says nothing about 'type'"),
        std::string::npos);
    EXPECT_NE(refusal("[[step]]\nport = 2\nwait-screen = \"x\"\n").find("s.toml:2: 'port' says nothing"),
              std::string::npos);
    EXPECT_NE(refusal("[[step]]\nocr = true\ntype = \"x\"\n").find("s.toml:2: 'ocr' says nothing about 'type'"),
              std::string::npos);
    EXPECT_NE(refusal("[[step]]\nwait-screen = \"x\"\nocr = \"maybe\"\n").find("s.toml:3: 'ocr' takes true"),
              std::string::npos);
    EXPECT_NE(refusal("[[step]]\nclick = \"10\"\n").find("takes \"X,Y\""), std::string::npos);
    EXPECT_NE(refusal("[[step]]\nclick = \"1,2\"\nbutton = \"lift\"\n").find("did you mean 'left'?"),
              std::string::npos);
    EXPECT_NE(refusal("[[step]]\nclick = \"1,2\"\nbuton = \"left\"\n").find("did you mean 'button'?"),
              std::string::npos);
    EXPECT_NE(refusal("[[step]]\nwait-io = \"0x10000\"\n").find("PORT=VALUE"), std::string::npos);
    EXPECT_NE(refusal("[[step]]\nwait-io = \"1=\"\n").find("PORT=VALUE"), std::string::npos);
    EXPECT_NE(refusal("[[step]]\nwait-address = \"start\"\n").find("linear address"), std::string::npos);
    EXPECT_NE(refusal("[[step]]\nwait-picture = \"x.png\"\n").find("s.toml:2: no x.png"), std::string::npos);
    EXPECT_NE(refusal("[[step]]\nwait-picture = \"x\"\n", files({{"x", "GIF89a"}})).find("s.toml:2: x: no PNG file"),
              std::string::npos);
    EXPECT_NE(refusal("[[step]]\nlimit = \"1s\"\n").find("this step does nothing"), std::string::npos);
    EXPECT_NE(refusal("[[step]]\nwait-screen = \"x\"\nrepeat-until = false\n").find("takes true"), std::string::npos);
}

TEST(ScenarioFile, ReadsHowAGuestEndsAndWhatIsRefused) {
    const auto read = read_scenario_text(
        "[[step]]\nwait-screen-regex = \"^a+ *$\"\nrepeat-until = true\n[[step.step]]\npower-button = "
        "true\n[[step]]\nreset = true\n"
        "[[step]]\nhash = true\n[[step]]\nwait-halt = true\n[[step]]\nkeys = \"a\"\nhold = \"2s\"\n",
        "s.toml", no_files);
    ASSERT_TRUE(read.ok()) << read.error().message;
    using scenario::Action;
    std::vector<Action> actions;
    for (const auto& step : read.value().steps) actions.push_back(step.action);
    EXPECT_EQ(actions, (std::vector<Action>{Action::wait_screen_regex, Action::power_button, Action::reset,
                                            Action::hash, Action::wait_halt, Action::type}));
    EXPECT_TRUE(read.value().steps[0].expression);
    EXPECT_EQ(read.value().steps[5].duration_ns, u64{2'000'000'000});
    EXPECT_NE(refusal("[[step]]\nkeys = \"a\"\nhold = 0\n").find("'hold' takes a length of time"), std::string::npos);
    EXPECT_TRUE(read_scenario_text("[[step]]\nexpect-refusal = \"MiB\"\n", "s.toml", no_files).ok());
    EXPECT_NE(refusal("[[step]]\nexpect-refusal = \"MiB\"\n[[step]]\nhash = true\n")
                  .find("s.toml:2: 'expect-refusal' is the only step"),
              std::string::npos);
    EXPECT_NE(refusal("[[step]]\nexpect-refusal = \"(\"\n").find("no regular expression"), std::string::npos);
    EXPECT_NE(refusal("[[step]]\nhash = \"yes\"\n").find("'hash' takes true"), std::string::npos);
}

TEST(ScenarioFile, StepsRepeatThoseBelowThem) {
    const auto read = read_scenario_text(
        "[[step]]\nwait-screen = \"a\"\nrepeat-until = true\n"
        "[[step.step]]\nkeys = \"ret\"\n"
        "[[step.step]]\nrepeat-until = true\nwait-screen = \"b\"\n"
        "[[step.step.step]]\ninclude = \"i\"\n"
        "[[step.step]]\nkeys = \"a\"\n[[step]]\nkeys = \"b\"\n",
        "s.toml", files({{"i", "[[step]]\nkeys = \"c\"\n[[step]]\nkeys = \"d\"\n"}}));
    ASSERT_TRUE(read.ok()) << read.error().message;
    std::vector<std::size_t> repeated;
    for (const auto& step : read.value().steps) repeated.push_back(step.repeated);
    EXPECT_EQ(repeated, (std::vector<std::size_t>{5, 0, 2, 0, 0, 0, 0}));
    EXPECT_NE(
        refusal("[[step]]\nkeys = \"a\"\n[[step.step]]\nkeys = \"a\"\n").find("s.toml:3: [[step.step]] stands below"),
        std::string::npos);
    EXPECT_NE(refusal("[[step.step]]\nkeys = \"a\"\n").find("stands below no step"), std::string::npos);
    EXPECT_NE(refusal("[[step]]\nrepeat-until = true\nwait-screen = \"a\"\n[[step.step.step]]\nkeys = \"a\"\n")
                  .find("stands below no step"),
              std::string::npos);
    EXPECT_NE(refusal("[[step]]\nrepeat-until = true\nwait-screen = \"a\"\n").find("s.toml:3: 'repeat-until' needs"),
              std::string::npos);
    EXPECT_NE(refusal("[[step]]\nrepeat-until = true\nwait-time = \"1s\"\n").find("says nothing about 'wait-time'"),
              std::string::npos);
    EXPECT_NE(refusal("[[step.steps]]\n").find("did you mean '[[step.step]]'?"), std::string::npos);
}

TEST(ScenarioFile, IncludesOtherFiles) {
    const auto read = read_scenario_text(
        "limit = \"3s\"\n[variables]\nwho = \"me\"\n[[step]]\ninclude = \"lib/login.toml\"\n[[step]]\nsend = \"z\"\n",
        "dir/s.toml",
        files({{"dir/lib/login.toml",
                "limit = \"9s\"\n[variables]\nwho = \"root\"\nword = \"pw\"\n[machine]\nmemory = \"32M\"\n"
                "[[step]]\nsend = \"${who}:${word}\"\n[[step]]\ninclude = \"more.toml\"\n"},
               {"dir/lib/more.toml", "[[step]]\nsend = \"${word}\"\n"}}));
    ASSERT_TRUE(read.ok()) << read.error().message;
    const auto& steps = read.value().steps;
    ASSERT_EQ(steps.size(), 3u);
    EXPECT_EQ(steps[0].text, "me:pw") << "the including file's variables come first";
    EXPECT_EQ(steps[0].place, "dir/lib/login.toml:8");
    EXPECT_EQ(steps[0].limit_ns, u64{9'000'000'000});
    EXPECT_EQ(steps[1].text, "pw");
    EXPECT_EQ(steps[2].place, "line 7");
    EXPECT_EQ(read.value().machine.memory_bytes, u64{32} << 20);
}

TEST(ScenarioFile, RefusesIncludesThatGoInACircleAndTheirErrorsHaveTheirFile) {
    const std::string a = "[[step]]\ninclude = \"s.toml\"\n";
    EXPECT_EQ(refusal("[[step]]\ninclude = \"a\"\n", files({{"a", a}})),
              "a:2: 'include' goes in a circle: s.toml includes a includes s.toml");
    EXPECT_EQ(refusal("\n[[step]]\ninclude = \"b\"\n"), "s.toml:3: no b");
    EXPECT_NE(refusal("[[step]]\ninclude = \"b\"\n", files({{"b", "[[step]]\nsand = \"x\"\n"}}))
                  .find("b:2: unknown key 'sand'; did you mean 'send'?"),
              std::string::npos);
    EXPECT_NE(refusal("[machine]\n[[step]]\ninclude = \"b\"\n", files({{"b", "[machine]\n[[step]]\nsend = \"x\"\n"}}))
                  .find("b:1: a scenario has one machine, and there is [machine] in s.toml:1 too"),
              std::string::npos);
    EXPECT_NE(refusal("[[step]]\ninclude = \"b\"\nlimit = \"1s\"\n").find("'limit' says nothing about 'include'"),
              std::string::npos);
    std::map<std::string, std::string> many;  // each file includes the next one twice
    for (int i = 0; i < 12; ++i) {
        const std::string next = "[[step]]\ninclude = \"" + std::to_string(i + 1) + "\"\n";
        many[std::to_string(i)] = next + next;
    }
    many["12"] = "[[step]]\nsend = \"x\"\n";
    EXPECT_NE(refusal("[[step]]\ninclude = \"0\"\n", files(many)).find("more than 1000 steps"), std::string::npos);
}

TEST(ScenarioFile, StringsEndWithinTheText) {
    EXPECT_EQ(toml_string_end("'''a'''", 0), 7u);
    EXPECT_EQ(toml_string_end("'''a''''' ", 0), 9u);
    EXPECT_EQ(toml_string_end("'''a", 0), 4u);
    EXPECT_EQ(toml_string_end("'a' b", 0), 3u);
}

/// Those that take too long for ./check are seldom run.
TEST(ScenarioFile, GuestsAreScenarios) {
    unsigned guests = 0;
    for (const char* folder : {"/boots", "/boots/slow"}) {
        for (const auto& entry :
             std::filesystem::directory_iterator(BANTAM_SOURCE_DIR "/tests/guests" + std::string(folder))) {
            if (entry.path().extension() != ".toml") continue;
            const auto read = read_scenario_file(entry.path().string());
            EXPECT_TRUE(read.ok()) << (read.ok() ? "" : read.error().message);
            ++guests;
        }
    }
    EXPECT_GE(guests, 40u);
}

TEST(ScenarioFile, ExamplesOfTheDocumentAreScenarios) {
    std::ostringstream text;
    text << std::ifstream(BANTAM_SOURCE_DIR "/docs/SCENARIOS.md").rdbuf();
    const std::string document = text.str();
    unsigned examples = 0;
    for (std::size_t at = document.find("```toml\n"); at != document.npos; at = document.find("```toml\n", at)) {
        at += 8;
        const std::size_t end = document.find("```", at);
        const auto read = read_scenario_text(document.substr(at, end - at), "example", no_files);
        EXPECT_TRUE(read.ok()) << (read.ok() ? "" : read.error().message);
        ++examples;
        at = end + 3;
    }
    EXPECT_GE(examples, 2u);
}

}  // namespace
}  // namespace bantam::frontend
