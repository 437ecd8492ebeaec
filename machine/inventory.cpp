#include "machine/inventory.h"

#include "machine/parts.h"

namespace bantam {
namespace {

std::optional<DriveState::Medium> medium_state(const storage::BlockDevice* medium) {
    if (medium == nullptr) return std::nullopt;
    return DriveState::Medium{.path = medium->path(),
                              .bytes = medium->sector_count() * storage::kSectorSize,
                              .readonly = medium->readonly(),
                              .statistics = medium->statistics()};
}

PciFunctionState function_state(const devices::PciFunction& function, unsigned slot) {
    const auto word = [&function](u8 offset) { return static_cast<u16>(function.read_config(offset, 2)); };
    PciFunctionState state{.device = slot / 8,
                           .function = slot % 8,
                           .name = std::string(function.name()),
                           .vendor_id = word(0x00),
                           .device_id = word(0x02),
                           .subsystem_vendor = word(0x2C),
                           .subsystem = word(0x2E),
                           .class_code = word(0x0A),
                           .programming_interface = static_cast<u8>(function.read_config(0x09, 1)),
                           .interrupt_pin = function.interrupt_pin(),
                           .interrupt_line = function.interrupt_line(),
                           .regions = {}};
    constexpr unsigned kRom = 6;
    for (unsigned bar = 0; bar <= kRom; ++bar) {
        const devices::PciFunction::Window window = bar == kRom ? function.rom_window() : function.window(bar);
        if (window.size == 0) continue;
        const u32 flags = bar == kRom ? 0 : function.read_config(static_cast<u8>(0x10 + 4 * bar), 4);
        state.regions.push_back({.bar = bar,
                                 .io = window.io,
                                 .prefetchable = !window.io && bit(flags, 3),
                                 .base = window.enabled ? std::optional(window.base) : std::nullopt,
                                 .bytes = window.size});
    }
    return state;
}

}  // namespace

std::vector<DriveState> Machine::drives() const {
    std::vector<DriveState> states;
    const Pc& pc = *parts_->pc;
    for (unsigned i = 0; i < Pc::kIdeDrives; ++i) {
        const devices::IdeDrive* drive = pc.drive(i);
        if (drive == nullptr) continue;
        DriveState state{.name = std::string(drive->name()),
                         .words = drive->info(),
                         .medium = medium_state(parts_->slots.at(i)->get())};
        if (const devices::AtapiCdrom* cdrom = pc.cdrom(i)) {
            state.removable = state.has_tray = true;
            state.locked = cdrom->locked();
            state.tray_open = cdrom->tray_open();
        }
        states.push_back(std::move(state));
    }
    for (unsigned i = 0; i < Pc::kFloppyDrives; ++i) {
        const devices::FloppyDrive* drive = pc.floppy(i);
        if (drive == nullptr) continue;
        states.push_back({.name = std::string(drive->name()),
                          .removable = true,
                          .words = drive->info() + "\n",
                          .medium = medium_state(drive->image())});
    }
    return states;
}

std::vector<PciFunctionState> Machine::pci_functions() const {
    std::vector<PciFunctionState> states;
    for (unsigned slot = 0; slot < 256; ++slot) {
        const devices::PciFunction* function = parts_->pc->pci().at(slot / 8, slot % 8);
        if (function != nullptr) states.push_back(function_state(*function, slot));
    }
    return states;
}

}  // namespace bantam
