// Expressions: what matches where, and what is refused before the C library would write it out.
#include "scenario/expression.h"

#include <gtest/gtest.h>

namespace bantam::scenario {
namespace {

std::optional<std::size_t> end_in(const char* expression, std::string_view line) {
    return Expression::compile(expression).value().end_of_match(line);
}

TEST(Expression, EndOfTheFirstMatch) {
    EXPECT_EQ(end_in("l+o", "hello, hello"), 5u);
    EXPECT_EQ(end_in("(ab){2,3}c", "xababcx"), 6u);
    EXPECT_EQ(end_in("[^]a]b", "ab]b.b"), 6u);
    EXPECT_EQ(end_in("[[:digit:]]{3}", "a12b345"), 7u);
    EXPECT_FALSE(end_in("^b", "ab"));
}

TEST(Expression, RefusesWhatItsLibraryWouldNotSurvive) {
    for (const std::string& text :
         {std::string("a") + std::string(30, '+'), std::string("((((a{255}){255}){255}){255})"),
          std::string("(a{200}){200}"), std::string(101, '(') + "a" + std::string(101, ')'), std::string(20'000, 'a'),
          std::string("([]{9}]{255}){255}"), std::string(200'000, '(')}) {
        const Result<Expression> compiled = Expression::compile(text);
        ASSERT_FALSE(compiled.ok()) << text.substr(0, 40);
        EXPECT_NE(compiled.error().message.find("too large"), std::string::npos) << text.substr(0, 40);
    }
}

TEST(Expression, TakesWhatIsLargeEnoughForAPerson) {
    for (const std::string& text : {std::string("a{255}"), std::string("(a|b){100}c{20}d++"), std::string(5000, 'a'),
                                    std::string(50, '(') + "a" + std::string(50, ')'),
                                    std::string("[{9}]{3}\\(\\{255}"), std::string("[[.-.]x[:space:]]+")}) {
        EXPECT_TRUE(Expression::compile(text).ok()) << text.substr(0, 40);
    }
    for (const char* wrong : {"(", "[", "a{", "a{3", "a{,}", "[[:", "[[:alpha:", "\\"}) {
        const Result<Expression> compiled = Expression::compile(wrong);
        const std::string cause = compiled.ok() ? "no regular expression" : compiled.error().message;
        EXPECT_NE(cause.find("no regular expression"), std::string::npos) << wrong;
    }
}

}  // namespace
}  // namespace bantam::scenario
