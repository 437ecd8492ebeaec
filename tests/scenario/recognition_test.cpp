// Optical character recognition by the real tesseract: large letters that are no guest's font, and what goes wrong.
#include "scenario/recognition.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "devices/vga.h"
#include "scenario/glyph_reader.h"

namespace bantam::scenario {
namespace {

class RecognitionTest : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "bantam-ocr-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::string folder_;
};

/// Letters of 8x16 dots, each row shifted as italics are, black on white.
devices::Frame italics(std::string_view text) {
    static const devices::VgaFont font = devices::make_plain_font();
    devices::Frame frame{.width = 320, .height = 64, .pixels = std::vector<u32>(320 * 64, 0xFFFFFF)};
    unsigned left = 24;
    for (const char c : text) {
        for (unsigned y = 0; y < 16; ++y) {
            for (unsigned x = 0; x < 8; ++x) {
                if ((font[static_cast<unsigned char>(c) * 16u + y] >> (7 - x) & 1) != 0)
                    frame.pixels[(y + 24) * frame.width + left + x + (16 - y) / 5] = 0;
            }
        }
        left += 9;
    }
    return frame;
}

TEST_F(RecognitionTest, ReadsWhatNoFontExplains) {
    ASSERT_TRUE(find_recognition().ok()) << "install tesseract-ocr";
    const devices::Frame frame = italics("INSTALL THE MACHINE");
    const Font font("plain", {}, devices::make_plain_font());
    EXPECT_EQ(read_glyphs(frame, {&font}, {}, true).text.find("MACHINE"), std::string::npos);
    const Result<std::string> text = recognise(frame, folder_, [] { return false; });
    ASSERT_TRUE(text.ok()) << text.error().message;
    EXPECT_NE(text.value().find("MACHINE"), std::string::npos) << text.value();
    EXPECT_TRUE(std::filesystem::exists(folder_ + "/ocr.png"));
}

TEST_F(RecognitionTest, CanBeInterrupted) {
    const Result<std::string> text = recognise(italics("x"), folder_, [] { return true; });
    ASSERT_FALSE(text.ok());
    EXPECT_NE(text.error().message.find("tesseract: interrupted"), std::string::npos) << text.error().message;
}

TEST_F(RecognitionTest, AFolderThatIsNotThere) {
    const Result<std::string> text = recognise(italics("x"), folder_ + "/none", [] { return false; });
    ASSERT_FALSE(text.ok());
    EXPECT_NE(text.error().message.find("/none/ocr.png"), std::string::npos) << text.error().message;
}

}  // namespace
}  // namespace bantam::scenario
