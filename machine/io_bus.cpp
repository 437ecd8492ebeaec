#include "machine/io_bus.h"

#include <algorithm>

#include "base/bits.h"
#include "base/log.h"

namespace bantam {

RegisterSpace from_offset(RegisterSpace space, u64 first) {
    return {.read = [read = space.read, first](u64 offset, unsigned size) { return read(offset + first, size); },
            .write = [write = space.write, first](u64 offset, unsigned size,
                                                  u64 value) { write(offset + first, size, value); },
            .peek = space.peek
                        ? [peek = space.peek, first](u64 offset, unsigned size) { return peek(offset + first, size); }
                        : std::function<u64(u64, unsigned)>(),
            .max_size = space.max_size};
}

IoBus::IoBus() : entries_(1), owner_of_(kPorts, 0) {}

Result<void> IoBus::map(std::string name, u16 first, u32 count, RegisterSpace space) {
    if (count == 0 || first + count > kPorts) {
        return Error{
            ExitStatus::internal_error,
            fmt::format("I/O range of {} at {:04x}h, {} ports, does not fit the port space", name, first, count)};
    }
    for (u32 port = first; port < first + count; ++port) {
        if (owner_of_[port] == 0) continue;
        return Error{ExitStatus::internal_error, fmt::format("I/O port {:04x}h of {} already belongs to {}", port, name,
                                                             entries_[owner_of_[port]].name)};
    }
    const auto unused = std::find_if(entries_.begin() + 1, entries_.end(), [](const Entry& e) { return e.count == 0; });
    const auto index = static_cast<std::size_t>(unused - entries_.begin());
    CHECK(index <= 0xFF);  // the board maps a few dozen ranges
    if (index == entries_.size()) entries_.emplace_back();
    entries_[index] = Entry{std::move(name), first, count, std::move(space)};
    std::fill_n(owner_of_.begin() + first, count, static_cast<u8>(index));
    return {};
}

void IoBus::unmap(const std::string& name) {
    for (Entry& entry : entries_) {
        if (entry.count == 0 || entry.name != name) continue;
        std::fill_n(owner_of_.begin() + entry.first, entry.count, u8{0});
        entry = {};
    }
}

IoBus::Part IoBus::part_at(u32 port, unsigned size) const {
    const u8 index = port < kPorts ? owner_of_[port] : u8{0};
    if (index == 0) return {nullptr, 0, 1};
    const Entry& entry = entries_[index];
    const u32 offset = port - entry.first;
    unsigned width = size;
    while (width > 1 && (width > entry.space.max_size || offset % width != 0 || offset + width > entry.count))
        width /= 2;
    return {&entry, offset, width};
}

u32 IoBus::read(u16 port, unsigned size) {
    u32 value = 0;
    for (unsigned done = 0; done < size;) {
        const Part part = part_at(u32{port} + done, size - done == 3 ? 1 : size - done);
        u64 piece = mask_for(part.size);
        if (part.entry == nullptr) {
            note_unclaimed_read(u32{port} + done);
        } else if (part.entry->space.read) {
            piece = part.entry->space.read(part.offset, part.size) & mask_for(part.size);
        }
        value |= static_cast<u32>(piece << (8 * done));
        done += part.size;
    }
    return value;
}

void IoBus::write(u16 port, unsigned size, u32 value) {
    for (unsigned done = 0; done < size;) {
        const Part part = part_at(u32{port} + done, size - done == 3 ? 1 : size - done);
        const u64 piece = (u64{value} >> (8 * done)) & mask_for(part.size);
        if (part.entry == nullptr) {
            note_unclaimed_write(u32{port} + done, static_cast<u32>(piece));
        } else if (part.entry->space.write) {
            part.entry->space.write(part.offset, part.size, piece);
        }
        done += part.size;
    }
}

u32 IoBus::peek(u16 port, unsigned size) const {
    u32 value = 0;
    for (unsigned done = 0; done < size;) {
        const Part part = part_at(u32{port} + done, size - done == 3 ? 1 : size - done);
        u64 piece = mask_for(part.size);
        if (part.entry != nullptr && part.entry->space.peek) {
            piece &= part.entry->space.peek(part.offset, part.size);
        }
        value |= static_cast<u32>(piece << (8 * done));
        done += part.size;
    }
    return value;
}

std::vector<IoBus::Range> IoBus::ranges() const {
    std::vector<Range> list;
    for (const Entry& entry : entries_) {
        if (entry.count != 0) list.push_back({entry.name, static_cast<u16>(entry.first), entry.count});
    }
    std::sort(list.begin(), list.end(), [](const Range& a, const Range& b) { return a.first < b.first; });
    return list;
}

std::string IoBus::owner(u16 port) const { return entries_[owner_of_[port]].name; }

void IoBus::note_unclaimed_read(u32 port) {
    ++unclaimed_reads_;
    if (port >= kPorts || read_logged_[port]) return;
    read_logged_[port] = true;
    log::debug("io: read of unclaimed port {:04x}h (all ones; logged once)", port);
}

void IoBus::note_unclaimed_write(u32 port, u32 value) {
    ++unclaimed_writes_;
    if (port >= kPorts || write_logged_[port]) return;
    write_logged_[port] = true;
    log::debug("io: write of {:02x}h to unclaimed port {:04x}h (dropped; logged once)", value, port);
}

}  // namespace bantam
