// The board's IDE and diskette drives and its flash memories: which exist, and where they are.
#include <fmt/format.h>

#include "machine/pc.h"

namespace bantam {
namespace {
// DEVIATION: firmware spins while it waits for a diskette: at a drive's own speed a boot would cost billions of
// instructions, and with an empty drive SeaBIOS would wait a dozen times for five seconds.
constexpr u32 kDisketteSpeedFactor = 10;
}  // namespace

void Pc::add_drives(const Options& options) {
    for (unsigned i = 0; i < kIdeDrives; ++i) {
        const Options::Drive& drive = options.drives.at(i);
        if (!drive.present) continue;
        const unsigned channel = i / 2, unit = i % 2;
        const std::string name = fmt::format("ide{}-{}{}", channel, drive.cdrom ? "cd" : "hd", unit);
        const std::string serial = fmt::format("BNTM{:04}", i + 1);
        devices::IdeDrive* made = nullptr;
        if (drive.cdrom) {
            cdroms_.at(i) = std::make_unique<devices::AtapiCdrom>(scheduler_, name, drive.medium, serial);
            made = cdroms_.at(i).get();
        } else {
            CHECK(drive.medium != nullptr);
            disks_.at(i) = std::make_unique<devices::AtaDisk>(scheduler_, name, *drive.medium, serial);
            made = disks_.at(i).get();
        }
        ide_.channel(channel).attach(unit, *made);
        has_ide_ = true;
    }
    if (!has_ide_) return;
    pci_.attach(1, 1, ide_);
    ide_.set_mapping_listener([this] {
        if (ready_) map_ide();
    });
    devices_.push_back(&ide_);
    for (unsigned channel = 0; channel < devices::Piix3Ide::kChannels; ++channel) {
        devices_.push_back(&ide_.channel(channel));
        for (unsigned unit = 0; unit < 2; ++unit) {
            if (devices::IdeDrive* drive = ide_.channel(channel).drive(unit)) devices_.push_back(drive);
        }
    }
}

void Pc::add_floppies(const Options& options) {
    constexpr unsigned kIrq = 6, kDmaChannel = 2;
    std::array<devices::FloppyDrive*, devices::I82077::kDrives> connected{};
    for (unsigned i = 0; i < kFloppyDrives; ++i) {
        if (!options.floppies.at(i)) continue;
        floppies_.at(i) = std::make_unique<devices::FloppyDrive>(fmt::format("floppy{}", i), *options.floppies.at(i));
        connected.at(i) = floppies_.at(i).get();
        devices_.push_back(connected.at(i));
    }
    if (connected == decltype(connected){}) return;
    floppy_controller_ = std::make_unique<devices::I82077>(
        scheduler_,
        devices::I82077::Pins{.interrupt = irqs_.line(kIrq, IrqSource::floppy),
                              .dma_request = [this](bool level) { dma_.set_request(kDmaChannel, level); }},
        connected, devices::I82077::Options{.speed_factor = kDisketteSpeedFactor, .empty_drive_ends_search = true});
    devices::I82077& controller = *floppy_controller_;
    dma_.connect(kDmaChannel,
                 {.read = [&controller](bool last) { return u16{controller.dma_read(last)}; },
                  .write = [&controller](u16 value, bool last) { controller.dma_write(static_cast<u8>(value), last); },
                  .verify = [&controller](bool last) { controller.dma_verify(last); }});
    devices_.push_back(&controller);
    map("fdc", 0x3F0, 6, controller.registers());
    map("fdc input", 0x3F7, 1, from_offset(controller.registers(), 7));  // 3F6h is the disk's
}

// PIIX3 datasheet, XBCS: BIOSCS# selects the same memory below 4 GiB and below 1 MiB. DEVIATION: below 1 MiB shows what
// the flash memory held at the last reset, and takes no commands.
void Pc::add_flashes(const Options& options) {
    u64 base = u64{1} << 32;
    for (const Options::Flash& flash : options.flashes) {
        base -= flash.contents.size();
        std::string name = fmt::format("flash{}", flashes_.size());
        const std::size_t index = flashes_.size();
        flashes_.push_back(std::make_unique<devices::IntelFlash>(
            scheduler_, name, *flash.medium, flash.contents,
            devices::IntelFlash::Pins{.array_shown = [this, index, base](bool shown) {
                devices::IntelFlash& chip = *flashes_.at(index);
                memory_map_.show_flash(std::string(chip.name()), base, chip.array(), shown, chip.registers());
            }}));
        devices_.push_back(flashes_.back().get());
    }
    CHECK((u64{1} << 32) - base <= kFlashMax);
}

const devices::IdeDrive* Pc::drive(unsigned index) const {
    if (cdroms_.at(index)) return cdroms_.at(index).get();
    return disks_.at(index).get();
}

void Pc::map_ide() {
    constexpr std::array<u16, devices::Piix3Ide::kChannels> kCommandBlock{0x1F0, 0x170}, kControlBlock{0x3F6, 0x376};
    for (unsigned i = 0; i < devices::Piix3Ide::kChannels; ++i) {
        devices::IdeChannel& channel = ide_.channel(i);
        const bool shown = has_ide_ && ide_.channel_decoded(i);
        place(fmt::format("ide{} command", i), {.enabled = shown, .io = true, .base = kCommandBlock.at(i), .size = 8},
              channel.command_block());
        place(fmt::format("ide{} control", i), {.enabled = shown, .io = true, .base = kControlBlock.at(i), .size = 1},
              channel.control_block());
    }
    devices::PciFunction::Window window = ide_.window(devices::Piix3Ide::kBusMasterBar);
    window.enabled = window.enabled && has_ide_;
    place("ide bus master", window, ide_.engine_registers());
}

}  // namespace bantam
