// USB devices by the packets of their transactions: standard and class requests, data toggles, and reports.
#include <gtest/gtest.h>

#include "devices/hid_keys.h"
#include "devices/usb_keyboard.h"
#include "devices/usb_tablet.h"
#include "tests/devices/test_board.h"

namespace bantam::devices {
namespace {

using Bytes = std::vector<u8>;
using Handshake = UsbDevice::Handshake;

constexpr u64 kMs = 1'000'000;

/// A host at the device's end of the cable.
class Host {
public:
    explicit Host(UsbDevice& device) : device_(device) {}

    /// A control transfer that wants data: they, or nothing if the device stalls.
    std::optional<Bytes> get(u8 type, u8 request, u16 value, u16 index, u16 length) {
        if (!setup(type, request, value, index, length)) return std::nullopt;
        Bytes data;
        bool toggle = true;
        while (length != 0) {
            const UsbDevice::Answer answer = device_.in(0);
            if (answer.handshake != Handshake::ack) return std::nullopt;
            EXPECT_EQ(answer.toggle, toggle);
            toggle = !toggle;
            data.insert(data.end(), answer.data.begin(), answer.data.end());
            const bool last = answer.data.size() < UsbDevice::kMaxPacket || data.size() >= length;
            device_.acknowledge(0);
            if (last) break;
        }
        EXPECT_EQ(device_.out(0, true, {}), Handshake::ack);
        return data;
    }
    /// One that brings data, or has none; false: the device stalls.
    bool put(u8 type, u8 request, u16 value, u16 index, const Bytes& data = {}) {
        if (!setup(type, request, value, index, static_cast<u16>(data.size()))) return false;
        bool toggle = true;
        for (std::size_t at = 0; at < data.size(); at += UsbDevice::kMaxPacket, toggle = !toggle) {
            const auto packet =
                std::span(data).subspan(at, std::min<std::size_t>(UsbDevice::kMaxPacket, data.size() - at));
            if (device_.out(0, toggle, packet) != Handshake::ack) return false;
        }
        const UsbDevice::Answer status = device_.in(0);
        if (status.handshake != Handshake::ack) return false;
        EXPECT_TRUE(status.toggle);
        EXPECT_TRUE(status.data.empty());
        device_.acknowledge(0);
        return true;
    }
    /// The interrupt endpoint's data if it has any.
    std::optional<Bytes> poll() {
        const UsbDevice::Answer answer = device_.in(1);
        if (answer.handshake != Handshake::ack) return std::nullopt;
        EXPECT_EQ(answer.toggle, toggle_);
        toggle_ = !toggle_;
        Bytes data(answer.data.begin(), answer.data.end());
        device_.acknowledge(1);
        return data;
    }
    void configure() {
        ASSERT_TRUE(put(0x00, 5, 5, 0));
        ASSERT_TRUE(put(0x00, 9, 1, 0));
        toggle_ = false;
    }
    void forget_toggle() { toggle_ = false; }

private:
    bool setup(u8 type, u8 request, u16 value, u16 index, u16 length) {
        const auto low = [](u16 word) { return static_cast<u8>(word); };
        const auto high = [](u16 word) { return static_cast<u8>(word >> 8); };
        const std::array<u8, 8> packet{type,       request,     low(value),  high(value),
                                       low(index), high(index), low(length), high(length)};
        return device_.setup(0, packet) == Handshake::ack;
    }
    UsbDevice& device_;
    bool toggle_ = false;
};

class UsbDeviceTest : public ::testing::Test {
protected:
    KeyCode key(std::string_view name) { return *key_by_name(name); }

    TestBoard board;
    unsigned resumes = 0;
    UsbKeyboard keyboard{board.scheduler, {.resume = [this] { ++resumes; }}};
    UsbTablet tablet{board.scheduler, {.resume = [this] { ++resumes; }}};
    Host host{keyboard}, tablet_host{tablet};
};

TEST(HidKeys, EveryKeyOfAPcKeyboardHasOnePlace) {
    EXPECT_EQ(set1_of_hid(0x04), 0x1E);    // A
    EXPECT_EQ(set1_of_hid(0x1E), 0x02);    // 1
    EXPECT_EQ(set1_of_hid(0x28), 0x1C);    // enter
    EXPECT_EQ(set1_of_hid(0x38), 0x35);    // slash
    EXPECT_EQ(set1_of_hid(0x45), 0x58);    // F12
    EXPECT_EQ(set1_of_hid(0x4C), 0xE053);  // delete
    EXPECT_EQ(set1_of_hid(0x53), 0x45);    // num lock
    EXPECT_EQ(set1_of_hid(0x58), 0xE01C);  // keypad enter
    EXPECT_EQ(set1_of_hid(0x63), 0x53);    // keypad dot
    EXPECT_EQ(set1_of_hid(0x64), 0x56);    // between left shift and Z
    EXPECT_EQ(set1_of_hid(0xE7), 0xE05C);  // right GUI
    for (const unsigned none : {0u, 3u, 0x66u, 0xDFu, 0xE8u, 0xFFFFFFFFu}) EXPECT_FALSE(set1_of_hid(none)) << none;
    for (unsigned usage = 0; usage < 0x100; ++usage) {
        const auto code = set1_of_hid(usage);
        if (!code || usage == 0x32) continue;  // which is 31h's key on other keyboards
        EXPECT_EQ(hid_of_set1(*code), usage);
    }
    EXPECT_EQ(hid_of_set1(0x2B), 0x31);
    EXPECT_FALSE(hid_of_set1(0));
    EXPECT_FALSE(hid_of_set1(0xE05E)) << "power, which is on another page";
}

TEST_F(UsbDeviceTest, Descriptors) {
    const auto device = host.get(0x80, 6, 0x0100, 0, 64);
    ASSERT_TRUE(device);
    EXPECT_EQ(*device, (Bytes{18, 1, 0x10, 1, 0, 0, 0, 32, 0x09, 0x12, 1, 0, 0, 1, 1, 2, 0, 1}));
    EXPECT_EQ(host.get(0x80, 6, 0x0100, 0, 8), Bytes(device->begin(), device->begin() + 8));
    EXPECT_EQ(host.get(0x80, 6, 0x0200, 0, 255),
              (Bytes{9, 2,    34,   0, 1, 1, 0,    0xA0, 50,  // configuration
                     9, 4,    0,    0, 1, 3, 1,    1,    0,   // interface: HID, boot, keyboard
                     9, 0x21, 0x11, 1, 0, 1, 0x22, 63,   0,   // HID: a report descriptor of 63 bytes
                     7, 5,    0x81, 3, 8, 0, 8}));            // endpoint 1 IN, interrupt, 8 bytes, 8 ms
    EXPECT_EQ(host.get(0x80, 6, 0x0300, 0, 255), (Bytes{4, 3, 9, 4}));
    const auto product = host.get(0x80, 6, 0x0302, 0x409, 255);
    ASSERT_TRUE(product);
    EXPECT_EQ(product->size(), 2 + 2 * std::string_view("USB Keyboard").size());
    EXPECT_EQ((*product)[2], 'U');
    EXPECT_FALSE(host.get(0x80, 6, 0x0303, 0x409, 255));
    EXPECT_FALSE(host.get(0x80, 6, 0x0101, 0, 64));
    EXPECT_FALSE(host.get(0x80, 6, 0x0600, 0, 64)) << "no device qualifier: full speed only";
    EXPECT_FALSE(host.get(0x81, 6, 0x2200, 0, 255)) << "the interface exists in a configuration only";
    host.configure();
    EXPECT_EQ(host.get(0x81, 6, 0x2100, 0, 255), (Bytes{9, 0x21, 0x11, 1, 0, 1, 0x22, 63, 0}));
    const auto report = host.get(0x81, 6, 0x2200, 0, 255);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->size(), 63u);
    EXPECT_EQ(report->back(), 0xC0);
    EXPECT_FALSE(host.get(0x81, 6, 0x2300, 0, 255));
    EXPECT_FALSE(host.get(0x81, 6, 0x2200, 1, 255)) << "no second interface";
    tablet_host.configure();
    const auto tablet_report = tablet_host.get(0x81, 6, 0x2200, 0, 1000);
    ASSERT_TRUE(tablet_report);
    EXPECT_EQ(tablet_report->back(), 0xC0);
    EXPECT_EQ(tablet_host.get(0x80, 6, 0x0200, 0, 255)->at(25), tablet_report->size());
    EXPECT_EQ(tablet_report->size(), 63u) << "two packets";
}

TEST_F(UsbDeviceTest, AddressTakesEffectBehindTheStatusStage) {
    const std::array<u8, 8> set_address{0, 5, 9, 0, 0, 0, 0, 0};
    EXPECT_EQ(keyboard.setup(0, set_address), Handshake::ack);
    EXPECT_EQ(keyboard.address(), 0);
    EXPECT_EQ(keyboard.in(0).handshake, Handshake::ack);
    EXPECT_EQ(keyboard.address(), 0) << "the host may not have it";
    keyboard.acknowledge(0);
    EXPECT_EQ(keyboard.address(), 9);
    EXPECT_FALSE(host.put(0x00, 5, 128, 0));
    EXPECT_EQ(keyboard.address(), 9);
    keyboard.bus_reset();
    EXPECT_EQ(keyboard.address(), 0);
}

TEST_F(UsbDeviceTest, ConfigurationFeaturesAndStatus) {
    EXPECT_EQ(keyboard.in(1).handshake, Handshake::timeout);
    EXPECT_EQ(host.get(0x80, 8, 0, 0, 1), Bytes{0});
    EXPECT_FALSE(host.put(0x00, 9, 2, 0));
    host.configure();
    EXPECT_EQ(host.get(0x80, 8, 0, 0, 1), Bytes{1});
    EXPECT_FALSE(keyboard.polled());
    EXPECT_EQ(keyboard.in(1).handshake, Handshake::nak);
    EXPECT_TRUE(keyboard.polled());
    EXPECT_EQ(keyboard.in(2).handshake, Handshake::timeout) << "no such endpoint";
    EXPECT_EQ(keyboard.out(1, false, {}), Handshake::timeout);
    EXPECT_EQ(host.get(0x80, 0, 0, 0, 2), (Bytes{0, 0}));
    EXPECT_TRUE(host.put(0x00, 3, 1, 0)) << "remote wakeup";
    EXPECT_EQ(host.get(0x80, 0, 0, 0, 2), (Bytes{2, 0}));
    EXPECT_TRUE(host.put(0x02, 3, 0, 0x81)) << "halt";
    EXPECT_EQ(host.get(0x82, 0, 0, 0x81, 2), (Bytes{1, 0}));
    EXPECT_EQ(keyboard.in(1).handshake, Handshake::stall);
    EXPECT_TRUE(host.put(0x02, 1, 0, 0x81));
    EXPECT_EQ(host.get(0x82, 0, 0, 0x81, 2), (Bytes{0, 0}));
    EXPECT_EQ(keyboard.in(1).handshake, Handshake::nak);
    EXPECT_EQ(host.get(0x82, 0, 0, 0, 2), (Bytes{0, 0})) << "the default pipe";
    EXPECT_EQ(host.get(0x81, 0, 0, 0, 2), (Bytes{0, 0}));
    EXPECT_EQ(host.get(0x81, 10, 0, 0, 1), Bytes{0});
    EXPECT_TRUE(host.put(0x01, 11, 0, 0));
    EXPECT_FALSE(host.put(0x01, 11, 1, 0)) << "no alternate setting";
    EXPECT_FALSE(host.put(0x02, 3, 0, 0x82));
    EXPECT_FALSE(host.put(0x00, 3, 2, 0)) << "test mode: high speed only";
    EXPECT_FALSE(host.put(0x00, 7, 0x0100, 0, Bytes(18))) << "SET_DESCRIPTOR";
    EXPECT_FALSE(host.get(0x82, 12, 0, 0x81, 2)) << "SYNCH_FRAME";
    EXPECT_TRUE(host.put(0x00, 9, 0, 0));
    EXPECT_EQ(keyboard.in(1).handshake, Handshake::timeout);
}

TEST_F(UsbDeviceTest, DefaultPipeKeepsToItsStages) {
    EXPECT_EQ(keyboard.in(0).handshake, Handshake::stall) << "no SETUP before";
    EXPECT_EQ(keyboard.out(0, true, {}), Handshake::stall);
    EXPECT_EQ(keyboard.setup(1, std::array<u8, 8>{}), Handshake::timeout);
    EXPECT_EQ(keyboard.setup(0, std::array<u8, 7>{}), Handshake::timeout);
    host.configure();
    // Data to the device: a repeated packet is taken once, too many stall.
    const std::array<u8, 8> set_report{0x21, 9, 0, 2, 0, 0, 1, 0};
    ASSERT_EQ(keyboard.setup(0, set_report), Handshake::ack);
    const std::array<u8, 1> leds{1};
    EXPECT_EQ(keyboard.out(0, false, leds), Handshake::ack) << "not the one that is due";
    EXPECT_EQ(keyboard.leds(), 0u);
    EXPECT_EQ(keyboard.out(0, true, leds), Handshake::ack);
    EXPECT_EQ(keyboard.leds(), 2u);
    EXPECT_EQ(keyboard.out(0, false, leds), Handshake::stall);
    EXPECT_EQ(keyboard.in(0).handshake, Handshake::stall);
    ASSERT_EQ(keyboard.setup(0, set_report), Handshake::ack) << "a SETUP ends the stall";
    EXPECT_EQ(keyboard.in(0).handshake, Handshake::stall) << "no data yet";
    const std::array<u8, 8> too_long{0x21, 9, 0, 2, 0, 0, 1, 1};  // 257 bytes
    ASSERT_EQ(keyboard.setup(0, too_long), Handshake::ack);
    EXPECT_EQ(keyboard.out(0, true, leds), Handshake::stall);
    // The host may end a data stage that it asked for.
    const std::array<u8, 8> get_device{0x80, 6, 0, 1, 0, 0, 64, 0};
    ASSERT_EQ(keyboard.setup(0, get_device), Handshake::ack);
    EXPECT_EQ(keyboard.out(0, true, {}), Handshake::ack);
    EXPECT_EQ(keyboard.in(0).handshake, Handshake::stall);
}

TEST_F(UsbDeviceTest, KeyboardReportsEachStroke) {
    host.configure();
    EXPECT_FALSE(host.poll());
    keyboard.key(key("shift"), true);
    keyboard.key(key("a"), true);
    keyboard.key(key("a"), true);  // it is down
    keyboard.key(key("a"), false);
    keyboard.key(key("shift"), false);
    EXPECT_FALSE(keyboard.read_all());
    EXPECT_EQ(host.poll(), (Bytes{2, 0, 0, 0, 0, 0, 0, 0}));
    EXPECT_EQ(host.poll(), (Bytes{2, 0, 4, 0, 0, 0, 0, 0}));
    EXPECT_EQ(host.poll(), (Bytes{2, 0, 0, 0, 0, 0, 0, 0}));
    EXPECT_EQ(host.poll(), (Bytes{0, 0, 0, 0, 0, 0, 0, 0}));
    EXPECT_FALSE(host.poll());
    EXPECT_TRUE(keyboard.read_all());
    // An answer without the host's handshake comes again.
    keyboard.key(key("b"), true);
    EXPECT_EQ(keyboard.in(1).data[2], 5);
    EXPECT_EQ(keyboard.in(1).data[2], 5);
    EXPECT_EQ(host.poll()->at(2), 5);
    EXPECT_TRUE(UsbKeyboard::has_key(key("menu")));
    EXPECT_FALSE(UsbKeyboard::has_key(key("power")));
}

TEST_F(UsbDeviceTest, SevenKeysAreTooMany) {
    host.configure();
    for (const std::string_view name : {"a", "b", "c", "d", "e", "f"}) keyboard.key(key(name), true), host.poll();
    EXPECT_EQ(host.get(0xA1, 1, 0x0100, 0, 8), (Bytes{0, 0, 4, 5, 6, 7, 8, 9}));
    keyboard.key(key("g"), true);
    keyboard.key(key("alt_r"), true);
    EXPECT_EQ(host.poll(), (Bytes{0, 0, 1, 1, 1, 1, 1, 1}));
    EXPECT_EQ(host.poll(), (Bytes{0x40, 0, 1, 1, 1, 1, 1, 1}));
    keyboard.key(key("a"), false);
    EXPECT_EQ(host.poll(), (Bytes{0x40, 0, 5, 6, 7, 8, 9, 10}));
}

TEST_F(UsbDeviceTest, StrokesNobodyAsksForEndAsTheKeysAre) {
    host.configure();
    for (unsigned i = 0; i < 100; ++i) keyboard.key(key("a"), i % 2 == 0);
    keyboard.key(key("b"), true);
    Bytes last;
    unsigned reports = 0;
    while (const auto report = host.poll()) last = *report, ++reports;
    EXPECT_EQ(reports, UsbKeyboard::kMaxEvents);
    EXPECT_EQ(last, (Bytes{0, 0, 5, 0, 0, 0, 0, 0}));
}

TEST_F(UsbDeviceTest, ClassRequests) {
    host.configure();
    EXPECT_EQ(host.get(0xA1, 3, 0, 0, 1), Bytes{1}) << "report protocol";
    EXPECT_TRUE(host.put(0x21, 11, 0, 0));
    EXPECT_EQ(host.get(0xA1, 3, 0, 0, 1), Bytes{0});
    EXPECT_FALSE(host.put(0x21, 11, 2, 0));
    EXPECT_TRUE(host.put(0x21, 9, 0x0200, 0, {0xFF}));
    EXPECT_EQ(keyboard.leds(), 7u);
    EXPECT_EQ(host.get(0xA1, 1, 0x0200, 0, 1), Bytes{0x1F});
    EXPECT_FALSE(host.put(0x21, 9, 0x0200, 0, {1, 2}));
    EXPECT_FALSE(host.put(0x21, 9, 0x0300, 0, {1})) << "no feature report";
    EXPECT_FALSE(host.get(0xA1, 1, 0x0300, 0, 1));
    EXPECT_FALSE(host.put(0x21, 10, 0x0101, 0)) << "no report number 1";
    EXPECT_FALSE(host.get(0xA1, 9, 0, 0, 1));
    tablet_host.configure();
    EXPECT_FALSE(tablet_host.get(0xA1, 3, 0, 0, 1)) << "no boot protocol";
    EXPECT_FALSE(tablet_host.put(0x21, 11, 0, 0));
    EXPECT_FALSE(tablet_host.put(0x21, 9, 0x0200, 0, {0}));
    EXPECT_FALSE(tablet_host.get(0xA1, 1, 0x0200, 0, 1));
    EXPECT_EQ(tablet_host.get(0xA1, 1, 0x0100, 0, 6), Bytes(6));
}

TEST_F(UsbDeviceTest, IdleRateRepeatsReports) {
    host.configure();
    EXPECT_EQ(host.get(0xA1, 2, 0, 0, 1), Bytes{125}) << "500 ms";
    keyboard.key(key("a"), true);
    EXPECT_TRUE(host.poll());
    EXPECT_FALSE(host.poll());
    board.run_for(499 * kMs);
    EXPECT_FALSE(host.poll());
    board.run_for(kMs);
    EXPECT_EQ(host.poll()->at(2), 4);
    EXPECT_FALSE(host.poll());
    EXPECT_TRUE(host.put(0x21, 10, 0, 0));
    board.run_for(10'000 * kMs);
    EXPECT_FALSE(host.poll()) << "never";
    EXPECT_TRUE(host.put(0x21, 10, 0x0800, 0));
    EXPECT_EQ(host.poll()->at(2), 4) << "32 ms are over";
}

TEST_F(UsbDeviceTest, TabletTellsPlacesAndPresses) {
    tablet_host.configure();
    tablet.point(0xFFFF, 0x1234, 0, 0);
    EXPECT_EQ(tablet_host.poll(), (Bytes{0, 0xFF, 0x7F, 0x1A, 0x09, 0}));
    tablet.point(0xFFFF, 0x1234, 0, 0);
    EXPECT_FALSE(tablet_host.poll()) << "nothing new";
    // The newest place counts, but where a button went down stays.
    tablet.point(0x2000, 0, 0, 0);
    tablet.point(0x4000, 0, 0, 0);
    tablet.point(0x4000, 0, 1, 0);
    tablet.point(0x6000, 0, 1, 0);
    tablet.point(0x8000, 0, 1, 0);
    tablet.point(0x8000, 0, 0, 0);
    EXPECT_EQ(tablet_host.poll(), (Bytes{0, 0, 0x20, 0, 0, 0}));
    EXPECT_EQ(tablet_host.poll(), (Bytes{1, 0, 0x20, 0, 0, 0}));
    EXPECT_EQ(tablet_host.poll(), (Bytes{1, 0, 0x40, 0, 0, 0}));
    EXPECT_EQ(tablet_host.poll(), (Bytes{0, 0, 0x40, 0, 0, 0}));
    EXPECT_FALSE(tablet_host.poll());
    EXPECT_TRUE(tablet.read_all());
    tablet.point(0x8000, 0, 6, -2);
    tablet.point(0x8000, 0, 6, 300);
    EXPECT_EQ(tablet_host.poll(), (Bytes{6, 0, 0x40, 0, 0, 2})) << "away from the person";
    EXPECT_EQ(tablet_host.poll(), (Bytes{6, 0, 0x40, 0, 0, 0x81}));
    EXPECT_EQ(tablet_host.get(0xA1, 1, 0x0100, 0, 6), (Bytes{6, 0, 0x40, 0, 0, 0})) << "a movement happens once";
    for (unsigned i = 0; i < 100; ++i) tablet.point(0, 0, static_cast<u8>(i % 2), 0);
    unsigned reports = 0;
    Bytes last;
    while (const auto report = tablet_host.poll()) last = *report, ++reports;
    EXPECT_EQ(reports, UsbTablet::kMaxReports);
    EXPECT_EQ(last[0], 1);
}

TEST_F(UsbDeviceTest, WakesTheHostIfItMay) {
    host.configure();
    tablet_host.configure();
    keyboard.key(key("a"), true);
    tablet.point(1000, 1000, 0, 0);
    EXPECT_EQ(resumes, 0u);
    EXPECT_TRUE(host.put(0x00, 3, 1, 0));
    EXPECT_TRUE(tablet_host.put(0x00, 3, 1, 0));
    keyboard.key(key("a"), false);
    tablet.point(3000, 3000, 0, 0);
    EXPECT_EQ(resumes, 2u);
}

TEST_F(UsbDeviceTest, StateSurvives) {
    host.configure();
    EXPECT_TRUE(host.put(0x21, 10, 0x0800, 0));
    EXPECT_TRUE(host.put(0x21, 11, 0, 0));
    EXPECT_TRUE(host.put(0x00, 3, 1, 0));
    EXPECT_TRUE(host.put(0x21, 9, 0x0200, 0, {5}));
    board.run_for(40 * kMs);
    keyboard.key(key("a"), true);
    host.poll();
    keyboard.key(key("ctrl"), true);
    UsbKeyboard twin(board.scheduler, {});
    expect_faithful_state(keyboard, twin);
    tablet_host.configure();
    tablet.point(1000, 2000, 1, 0);
    tablet_host.poll();
    tablet.point(1000, 2000, 0, 3);
    const std::array<u8, 8> get_report{0x81, 6, 0, 0x22, 0, 0, 255, 0};
    tablet.setup(0, get_report);
    tablet.in(0);
    tablet.acknowledge(0);
    UsbTablet tablet_twin(board.scheduler, {});
    expect_faithful_state(tablet, tablet_twin);
}

}  // namespace
}  // namespace bantam::devices
