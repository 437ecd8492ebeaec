// What the user does to the drives of a running machine: put another medium in, take it out.
#include <fmt/format.h>

#include "machine/parts.h"

namespace bantam {

Result<unsigned> Machine::Parts::find_cdrom(const std::string& device) const {
    std::string names;
    for (unsigned i = 0; i < Pc::kIdeDrives; ++i) {
        const devices::AtapiCdrom* drive = pc->cdrom(i);
        if (drive == nullptr) continue;
        if (drive->name() == device) return i;
        names += fmt::format(" {}", drive->name());
    }
    return Error{ExitStatus::usage, fmt::format("there is no removable drive '{}'; there is:{}", device,
                                                names.empty() ? " none (give --cdrom none for an empty one)" : names)};
}

Result<void> Machine::change_medium(const std::string& device, const std::string& path) {
    const Result<unsigned> index = parts_->find_cdrom(device);
    if (!index) return index.error();
    Result<Images::Device> opened = Images::open_removable({.path = path, .readonly = true}, true);
    if (!opened) return opened.error();
    if (const Result<void> ejected = eject(device); !ejected) return ejected;
    Images::Device& slot = *parts_->slots.at(index.value());
    slot = std::move(opened.value());
    parts_->pc->cdrom(index.value())->insert(slot.get());
    return {};
}

Result<void> Machine::eject(const std::string& device) {
    const Result<unsigned> index = parts_->find_cdrom(device);
    if (!index) return index.error();
    devices::AtapiCdrom& drive = *parts_->pc->cdrom(index.value());
    if (drive.locked()) {
        drive.request_eject();
        return Error{ExitStatus::usage,
                     fmt::format("{}: the guest has locked the tray; it was told that the button was pressed, so try "
                                 "again when it has let go",
                                 device)};
    }
    drive.insert(nullptr);
    parts_->slots.at(index.value())->reset();
    return {};
}

}  // namespace bantam
