// The parts of QMP that need no machine: values out of a stream, types and QEMU's words for what does not fit, Base64.
#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>

#include "frontend/qmp/base64.h"
#include "frontend/qmp/json_stream.h"
#include "frontend/qmp/types.h"

namespace bantam::frontend::qmp {
namespace {

std::vector<std::string> values_of(std::initializer_list<std::string_view> pieces) {
    JsonStream stream;
    std::vector<std::string> values;
    for (const std::string_view piece : pieces) {
        stream.put(piece);
        while (auto value = stream.next()) values.push_back(std::move(*value));
    }
    return values;
}
using Values = std::vector<std::string>;

TEST(JsonStream, ValuesOnLinesAndBetween) {
    EXPECT_EQ(values_of({"{\"a\": 1}\r\n"}), (Values{"{\"a\": 1}"}));
    EXPECT_EQ(values_of({"{}{}[] {"}), (Values{"{}", "{}", "[]"}));
    EXPECT_EQ(values_of({"{\n\"a\":\n[1,\n2]}"}), (Values{"{\n\"a\":\n[1,\n2]}"}));
    EXPECT_EQ(values_of({"{\"a", "\": \"}\\\"", "{\"", "}"}), (Values{"{\"a\": \"}\\\"{\"}"}))
        << "brackets and quotes in strings";
    EXPECT_EQ(values_of({"12 tr", "ue\n\"s\" x{}"}), (Values{"12", "true", "\"s\"", "x", "{}"}));
    EXPECT_EQ(values_of({"]} "}), (Values{"]", "}"})) << "for the parser to refuse";
}

TEST(JsonStream, SingleQuotes) {
    EXPECT_EQ(values_of({"{'a': 'it\\'s \"b\"'}"}), (Values{"{\"a\": \"it's \\\"b\\\"\"}"}));
    EXPECT_EQ(values_of({"\"it's\""}), (Values{"\"it's\""}));
    EXPECT_EQ(values_of({"'\\n\\\\'"}), (Values{"\"\\n\\\\\""}));
}

TEST(JsonStream, WhatIsTooDeepOrTooLongIsGivenUp) {
    const std::string deep(JsonStream::kDeepest + 1, '[');
    EXPECT_EQ(values_of({deep, "{}"}), (Values{"", "{}"}));
    JsonStream stream;
    const std::string much(JsonStream::kMostBytes / 4, 'x');
    stream.put("\"");
    for (int i = 0; i < 4; ++i) {
        EXPECT_FALSE(stream.next());
        stream.put(much);
    }
    EXPECT_EQ(stream.next(), "");
}

constexpr std::array<std::string_view, 2> kColours{"red", "blue"};
constexpr Type kColour{.kind = Type::Kind::words, .name = "Colour", .words = kColours};
constexpr std::array kInnerMembers{Member{"colour", &kColour}, Member{"on", &kBoolean, true}};
constexpr Type kInner{.kind = Type::Kind::object, .name = "Inner", .members = kInnerMembers};
constexpr Type kInners{.kind = Type::Kind::array, .name = "[Inner]", .element = &kInner};
constexpr std::array<std::string_view, 2> kTags{"inner", "number"};
constexpr Type kTag{.kind = Type::Kind::words, .name = "Tag", .words = kTags};
constexpr std::array kTagged{Member{"type", &kTag}};
constexpr std::array kCases{Variant{"inner", &kInner}, Variant{"number", &kInteger}};
constexpr Type kUnion{.kind = Type::Kind::object, .name = "Union", .members = kTagged, .variants = kCases};
constexpr std::array kMembers{Member{"text", &kString}, Member{"list", &kInners, true},
                              Member{"either", &kUnion, true}};
constexpr Type kOuter{.kind = Type::Kind::object, .name = "Outer", .members = kMembers};

std::string complaint(std::string_view text) {
    return complaint_about(nlohmann::json::parse(text), kOuter, "").value_or("none");
}

TEST(QmpTypes, ComplaintsNameTheMember) {
    EXPECT_EQ(complaint(R"({"text": "a"})"), "none");
    EXPECT_EQ(
        complaint(R"({"text": "a", "list": [{"colour": "red", "on": true}], "either": {"type": "number", "data": 1}})"),
        "none");
    EXPECT_EQ(complaint("{}"), "Parameter 'text' is missing");
    EXPECT_EQ(complaint(R"({"text": 1})"), "Invalid parameter type for 'text', expected: string");
    EXPECT_EQ(complaint(R"({"text": "", "more": 1})"), "Parameter 'more' is unexpected");
    EXPECT_EQ(complaint(R"({"text": "", "list": {}})"), "Invalid parameter type for 'list', expected: array");
    EXPECT_EQ(complaint(R"({"text": "", "list": [{}]})"), "Parameter 'list[0].colour' is missing");
    EXPECT_EQ(complaint(R"({"text": "", "list": [{"colour": "red"}, {"colour": "green"}]})"),
              "Parameter 'colour' does not accept value 'green'");
    EXPECT_EQ(complaint(R"({"text": "", "list": [{"colour": "red", "on": 1}]})"),
              "Invalid parameter type for 'list[0].on', expected: boolean");
    EXPECT_EQ(complaint(R"({"text": "", "either": {"type": "inner"}})"), "Parameter 'either.data' is missing");
    EXPECT_EQ(complaint(R"({"text": "", "either": {"data": 1}})"), "Parameter 'either.type' is missing");
    EXPECT_EQ(complaint(R"({"text": "", "either": {"type": "number", "data": 1.5}})"),
              "Invalid parameter type for 'either.data', expected: integer");
    EXPECT_EQ(complaint(R"({"text": "", "either": {"type": "number", "data": 1, "x": 1}})"),
              "Parameter 'either.x' is unexpected");
}

TEST(Base64, ThereAndBack) {
    const std::array<std::pair<std::string_view, std::string_view>, 5> kSamples{
        {{"", ""},
         {"f", "Zg=="},
         {"fo", "Zm8="},
         {"foo", "Zm9v"},
         {"\xFF\xFE\xFD\xFC", "//79/A=="}}};  // RFC 4648, section 10
    for (const auto& [bytes, text] : kSamples) {
        EXPECT_EQ(to_base64(bytes), text);
        EXPECT_EQ(from_base64(text), bytes);
    }
    for (const char* wrong : {"Z", "Zg=", "Z===", "====", "Zg==Zg==", "Zm9*", "=Zm9"})
        EXPECT_FALSE(from_base64(wrong)) << wrong;
}

}  // namespace
}  // namespace bantam::frontend::qmp
