// Scenario files: what they say, what they are refused with, and that the document's examples are scenarios.
#include "frontend/scenario_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "frontend/flat_toml.h"

namespace bantam::frontend {
namespace {

std::string refusal(std::string_view text) {
    const auto read = read_scenario_text(text, "s.toml");
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
        "s.toml");
    ASSERT_TRUE(read.ok()) << read.error().message;
    const scenario::Scenario& s = read.value();
    EXPECT_EQ(s.machine.memory_bytes, u64{16} << 20);
    EXPECT_EQ(s.machine.serials.size(), 1u);
    EXPECT_EQ(s.limit_ns, u64{5'000'000'000});
    ASSERT_EQ(s.steps.size(), 3u);
    EXPECT_EQ(s.steps[0].text, "[[step]]you");
    EXPECT_EQ(s.steps[0].limit_ns, u64{1'000'000'000});
    ASSERT_EQ(s.steps[1].chords.size(), 2u);
    EXPECT_EQ(s.steps[1].chords[1].size(), 2u);
    EXPECT_EQ(s.steps[2].text, "$ä");
}

TEST(ScenarioFile, RefusesWithLineCauseAndSuggestion) {
    EXPECT_EQ(refusal("[[step]]\nwait-scren = \"x\"\n").substr(0, 62),
              "s.toml:2: unknown key 'wait-scren'; did you mean 'wait-screen'");
    EXPECT_NE(refusal("[machin]\n").find("s.toml:1: '[machin]' is no part of a scenario; did you mean '[machine]'"),
              std::string::npos);
    EXPECT_NE(refusal("[machine]\n\nmemroy = \"1M\"\n").find("s.toml:3: unknown key 'memroy'; did you mean 'memory'"),
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

TEST(ScenarioFile, StringsEndWithinTheText) {
    EXPECT_EQ(toml_string_end("'''a'''", 0), 7u);
    EXPECT_EQ(toml_string_end("'''a''''' ", 0), 9u);
    EXPECT_EQ(toml_string_end("'''a", 0), 4u);
    EXPECT_EQ(toml_string_end("'a' b", 0), 3u);
}

TEST(ScenarioFile, ExamplesOfTheDocumentAreScenarios) {
    std::ostringstream text;
    text << std::ifstream(BANTAM_SOURCE_DIR "/docs/SCENARIOS.md").rdbuf();
    const std::string document = text.str();
    unsigned examples = 0;
    for (std::size_t at = document.find("```toml\n"); at != document.npos; at = document.find("```toml\n", at)) {
        at += 8;
        const std::size_t end = document.find("```", at);
        const auto read = read_scenario_text(document.substr(at, end - at), "example");
        EXPECT_TRUE(read.ok()) << (read.ok() ? "" : read.error().message);
        ++examples;
        at = end + 3;
    }
    EXPECT_GE(examples, 2u);
}

}  // namespace
}  // namespace bantam::frontend
