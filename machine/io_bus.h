// IoBus: the 64 KiB I/O port space (SDM vol. 1, chapter 18). Chips are mapped as RegisterSpaces; the bus splits
// accesses that are wider than a chip takes, misaligned for it, or straddle two chips, low part first. Ports
// nobody claims read as all ones and drop writes, as the floating ISA bus does; both are counted, and logged once per
// port.
#pragma once

#include <bitset>
#include <deque>
#include <string>
#include <vector>

#include "base/register_space.h"
#include "base/result.h"
#include "base/types.h"

namespace bantam {

/// `space` without the offsets below `first`: for a chip whose registers do not lie together.
RegisterSpace from_offset(RegisterSpace space, u64 first);

class IoBus {
public:
    static constexpr u32 kPorts = 0x10000;

    IoBus();

    /// Gives ports [first, first + count) to `space`; offsets start at 0 for `first`. Error, with nothing changed, when
    /// the range is empty, passes FFFFh or overlaps another one.
    Result<void> map(std::string name, u16 first, u32 count, RegisterSpace space);
    /// Takes back every range called `name`.
    void unmap(const std::string& name);

    /// I/O cycles of 1, 2 or 4 bytes. An access that runs past FFFFh finds nobody there.
    u32 read(u16 port, unsigned size);
    void write(u16 port, unsigned size, u32 value);
    /// read without side effects; all ones where the chip offers no peek.
    [[nodiscard]] u32 peek(u16 port, unsigned size) const;

    struct Range {
        std::string name;
        u16 first;
        u32 count;
    };
    /// What is mapped, by port.
    [[nodiscard]] std::vector<Range> ranges() const;
    /// Name of the owner of `port`; empty: unclaimed.
    [[nodiscard]] std::string owner(u16 port) const;
    /// Byte accesses that found nobody.
    [[nodiscard]] u64 unclaimed_reads() const { return unclaimed_reads_; }
    [[nodiscard]] u64 unclaimed_writes() const { return unclaimed_writes_; }

private:
    struct Entry {
        std::string name;
        u32 first = 0;
        u32 count = 0;  // 0: free for reuse
        RegisterSpace space;
    };
    struct Part {
        const Entry* entry;  // null: unclaimed
        u64 offset;
        unsigned size;
    };
    /// The widest naturally aligned piece, from `port` up and at most `size` bytes, that one chip takes whole.
    [[nodiscard]] Part part_at(u32 port, unsigned size) const;
    void note_unclaimed_read(u32 port);
    void note_unclaimed_write(u32 port, u32 value);

    std::deque<Entry>
        entries_;               // index 0 stays empty: unclaimed; a chip may map others while one of its own calls runs
    std::vector<u8> owner_of_;  // per port, an index into entries_
    std::bitset<kPorts> read_logged_, write_logged_;
    u64 unclaimed_reads_ = 0;
    u64 unclaimed_writes_ = 0;
};

}  // namespace bantam
