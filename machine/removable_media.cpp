// What the user does to the drives of a running machine: put another medium in, take it out.
#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <system_error>

#include "machine/parts.h"

namespace bantam {

Result<Machine::Parts::RemovableDrive> Machine::Parts::find_removable(const std::string& device) {
    std::string names;
    for (unsigned i = 0; i < Pc::kIdeDrives; ++i) {
        devices::AtapiCdrom* drive = pc->cdrom(i);
        if (drive == nullptr) continue;
        if (drive->name() == device) return RemovableDrive{.cdrom = drive, .floppy = nullptr, .slot = slots.at(i)};
        names += fmt::format(" {}", drive->name());
    }
    for (unsigned i = 0; i < Pc::kFloppyDrives; ++i) {
        devices::FloppyDrive* drive = pc->floppy(i);
        if (drive == nullptr) continue;
        if (drive->name() == device)
            return RemovableDrive{.cdrom = nullptr, .floppy = drive, .slot = &images.floppies.at(i)};
        names += fmt::format(" {}", drive->name());
    }
    return Error{ExitStatus::usage,
                 fmt::format("there is no removable drive '{}'; there is:{}", device,
                             names.empty() ? " none (give --cdrom none or --floppy none for an empty one)" : names)};
}

Result<void> Machine::change_medium(const std::string& device, const ImageConfig& image) {
    const Result<Parts::RemovableDrive> found = parts_->find_removable(device);
    if (!found) return found.error();
    const Parts::RemovableDrive& drive = found.value();
    Result<Images::Device> opened = drive.cdrom != nullptr ? Images::open_disc(image) : Images::open_diskette(image);
    if (!opened) return opened.error();
    const auto format = drive.floppy != nullptr ? diskette_format(opened.value()) : std::nullopt;
    if (format && !drive.floppy->takes(*format)) {
        return Error{ExitStatus::bad_input, fmt::format("floppy image '{}': a {} diskette does not go into {}",
                                                        image.path, format->name, drive.floppy->info())};
    }
    if (const Result<void> ejected = Parts::take_out(drive, device, Eject::politely); !ejected) return ejected;
    parts_->tell_input({.kind = InputEvent::Kind::inserted, .device = device, .file = image.path});
    *drive.slot = std::move(opened.value());
    if (drive.cdrom != nullptr) drive.cdrom->insert(drive.slot->get());
    if (format) drive.floppy->insert(drive.slot->get(), *format);
    return {};
}

Result<std::string> Machine::insert_image(const std::string& path) {
    std::error_code failed;
    const u64 bytes = std::filesystem::file_size(path, failed);
    if (failed) return Error{ExitStatus::bad_input, fmt::format("{}: {}", path, failed.message())};
    const bool diskette = storage::floppy_format_of(bytes).has_value();
    std::string drive;
    for (unsigned i = Pc::kFloppyDrives; diskette && i-- > 0;) {
        if (parts_->pc->floppy(i) != nullptr) drive = parts_->pc->floppy(i)->name();
    }
    for (unsigned i = 0; !diskette && i < Pc::kIdeDrives; ++i) {  // in the order --cdrom fills them
        constexpr std::array<unsigned, Pc::kIdeDrives> kOrder{0, 1, 3, 2};
        if (parts_->pc->cdrom(kOrder.at(i)) != nullptr) drive = parts_->pc->cdrom(kOrder.at(i))->name();
    }
    if (drive.empty()) {
        return Error{ExitStatus::usage,
                     fmt::format("{}: there is no {} drive; start the machine with {} none", path,
                                 diskette ? "diskette" : "CD-ROM", diskette ? "--floppy" : "--cdrom")};
    }
    if (const Result<void> changed = change_medium(drive, {.path = path}); !changed) return changed.error();
    return drive;
}

Result<void> Machine::eject(const std::string& device, Eject how) {
    const Result<Parts::RemovableDrive> found = parts_->find_removable(device);
    if (!found) return found.error();
    Result<void> ejected = Parts::take_out(found.value(), device, how);
    if (ejected) parts_->tell_input({.kind = InputEvent::Kind::ejected, .device = device});
    return ejected;
}

Result<void> Machine::Parts::take_out(const RemovableDrive& drive, const std::string& device, Eject how) {
    if (drive.cdrom != nullptr && drive.cdrom->locked() && how == Eject::politely) {
        drive.cdrom->request_eject();
        return Error{ExitStatus::usage,
                     fmt::format("{}: the guest has locked the tray; it was told that the button was pressed, so try "
                                 "again when it has let go",
                                 device)};
    }
    if (drive.cdrom != nullptr) drive.cdrom->eject();
    if (drive.floppy != nullptr) drive.floppy->eject();
    drive.slot->reset();
    return {};
}

}  // namespace bantam
