// I82077: the 82077AA floppy disk controller (Intel 82077AA datasheet, 290166-007): the whole command set, DMA and
// non-DMA transfers through the 16-byte FIFO with its threshold, AT, PS/2 and Model 30 register sets, software resets
// with drive polling, parallel and implied seeks, head load and unload times, multi-track, skip, scan, format, and the
// status bits of every way a command ends. Sectors come when they pass under the head, bytes at the data rate: a host
// that is late sees an overrun. Single density (FM) is decoded and finds no address marks, since no diskette here has
// any. Left out: the analog side (precompensation, write gate timing of perpendicular mode), which is stored and shown
// only; tape drive assignment (TDR) likewise.
//
// DEVIATION: FORMAT TRACK writes what a raw image can hold: the diskette's own sectors. Any other layout ends as a
// write fault (equipment check). DEVIATION: when a timer comes late because the host is, the diskette turned slower.
#pragma once

#include <array>

#include "base/scheduler.h"
#include "devices/byte_queue.h"
#include "devices/floppy_drive.h"

namespace bantam::devices {

class I82077 final : public Device {
public:
    static constexpr unsigned kDrives = 4;

    enum class Interface : u8 { at, ps2, model30 };  // IDENT and MFM pins
    struct Pins {
        OutputLine interrupt;
        OutputLine dma_request;
    };

    struct Options {
        Interface interface = Interface::at;
        /// Heads move and diskettes turn this many times faster than their drives would. 1 is real; more spares a guest
        /// that spins while it waits. Bytes that the processor moves itself still come at their data rate.
        u32 speed_factor = 1;
        /// A search on a drive without a diskette ends after two revolutions, as on one that was never formatted. A
        /// real drive gives no index pulses then, and the search never ends: firmware waits for it, spinning, for
        /// seconds.
        bool empty_drive_ends_search = false;
    };

    /// `drives`: by drive select, null where none is connected; they must outlive the chip.
    I82077(Scheduler& scheduler, Pins pins, std::array<FloppyDrive*, kDrives> drives, Options options);
    I82077(Scheduler& scheduler, Pins pins, std::array<FloppyDrive*, kDrives> drives)
        : I82077(scheduler, std::move(pins), drives, Options{}) {}
    ~I82077() override;

    [[nodiscard]] std::string_view name() const override { return "fdc"; }
    void reset() override;
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    /// Registers 0..7: SRA, SRB, DOR, TDR, MSR / DSR, FIFO, none, DIR / CCR. What a mode does not drive reads as ones.
    u8 read(u64 offset);
    void write(u64 offset, u8 value);
    [[nodiscard]] u8 peek(u64 offset) const;
    RegisterSpace registers();

    // DACK: the board's DMA controller takes or gives a byte; `last`: with TC. A verify cycle takes one unseen.
    u8 dma_read(bool last);
    void dma_write(u8 value, bool last);
    void dma_verify(bool last);

    enum class Phase : u8 { command, execution, result };
    enum class Operation : u8 { none, read, write, verify, scan, read_track, read_id, format };
    /// What the execution phase waits for.
    enum class Stage : u8 {
        none,
        seeking,    // implied seek
        head_load,  // HLT
        no_index,   // nothing turns under the head: no drive, motor off, no diskette
        finding,    // the data field of the sector (or ID field, or index) is on its way
        failing,    // two index pulses will pass without it
        moving,     // bytes of the data field
        checking,   // its CRC
        draining,   // the host still takes the last sector's bytes
    };
    struct Seek {
        bool active = false;
        bool recalibrate = false;
        bool inward = false;
        u8 target = 0;
        u8 steps = 0;  // left
        void describe(Archive& archive);
    };
    struct Registers {
        u8 dor = 0;
        u8 tape_drive = 0;
        u8 rate_select = 2;  // DSR and CCR bits 1:0
        u8 precompensation = 0;
        bool no_precompensation = false;  // CCR bit 2, Model 30
        bool power_down = false;
        std::array<u8, 2> specify{};
        u8 configure = 0x20;
        u8 precompensation_track = 0;
        u8 perpendicular = 0;
        bool lock = false;
        u8 last_eot = 0;  // SC/EOT of DUMPREG

        Phase phase = Phase::command;
        std::array<u8, 9> command{};
        u8 received = 0;
        std::array<u8, 10> result{};
        u8 result_size = 0, result_next = 0;

        std::array<u8, kDrives> cylinder{};  // PCN
        std::array<Seek, kDrives> seeks{};
        u8 attention = 0;  // bit per drive: SENSE INTERRUPT STATUS has something to say
        u8 polled = 0;     // those of them that come from the poll after a reset
        std::array<u8, kDrives> attention_status{};
        bool interrupt = false;        // end of command or seek
        bool operation_ended = false;  // the interrupt is that of a result phase
        bool interrupt_pin = false, dma_pin = false;

        Operation operation = Operation::none;
        Stage stage = Stage::none;
        u8 head = 0;  // side being read
        u8 id_cylinder = 0, id_head = 0, id_sector = 0, id_size = 0;
        u8 st0 = 0, st1 = 0, st2 = 0;
        u8 physical_sector = 0;  // on the track, from 1
        u8 sectors_done = 0;
        u16 position = 0;      // in the sector
        u16 accepted = 0;      // bytes the host gave for this sector
        bool request = false;  // FIFO service
        bool terminal_count = false;
        bool scan_equal = true, scan_holds = true;
        bool format_fits = true;
        u64 head_loaded_until_ns = 0;
        u8 head_loaded_drive = 0xFF;
        u64 ahead_ns = 0;      // how much faster than the clock the diskettes have turned
        u64 slip_ns = 0;       // how much the diskettes are behind the clock
        bool inward = false;   // DIR pin
        bool stepped = false;  // STEP flip-flop of Model 30
        u8 data_activity = 0;  // bits 4:2 of SRB: write data, read data, write enable
        u8 pending_st1 = 0;    // how the command ends once the FIFO is drained
    };

private:
    struct Command {
        u8 mask, code;
        u8 length;  // bytes of its command phase
        void (I82077::*run)();
    };
    static const Command* find_command(u8 first);

    // --- i82077.cpp: registers, command and result phase
    [[nodiscard]] bool in_reset() const { return (r_.dor & 0x04) == 0; }
    [[nodiscard]] FloppyDrive* selected() const;
    [[nodiscard]] u8 status_a() const;
    [[nodiscard]] u8 status_b() const;
    [[nodiscard]] u8 main_status() const;
    [[nodiscard]] u8 digital_input() const;
    void write_dor(u8 value);
    void write_dsr(u8 value);
    u8 read_fifo();
    void write_fifo(u8 value);
    void accept_command_byte(u8 value);
    void software_reset();
    void poll_drives();
    void give_result(std::initializer_list<u8> bytes);
    void end_command();
    void update_pins();

    // --- i82077_commands.cpp: control commands and seeks
    void seek();
    void relative_seek();
    void recalibrate();
    void specify();
    void configure();
    void sense_interrupt();
    void sense_drive();
    void dump_registers();
    void perpendicular_mode();
    void lock();
    void version();
    void invalid();
    void start_seek(Seek seek);
    void step_due(unsigned unit);
    void end_seek(unsigned unit, u8 status);
    [[nodiscard]] u64 step_ns() const;
    [[nodiscard]] unsigned kilobits_per_second() const;

    // --- i82077_transfer.cpp: commands with a data transfer
    void start_read();
    void start_write();
    void start_verify();
    void start_scan();
    void start_read_track();
    void start_read_id();
    void start_format();
    void start(Operation operation);
    void load_head();
    void search();
    void search_any_id(const FloppyDrive& drive, unsigned count);
    [[nodiscard]] bool track_readable(const FloppyDrive& drive) const;
    [[nodiscard]] u64 turned_ns() const { return scheduler_.now() + r_.ahead_ns - r_.slip_ns; }
    [[nodiscard]] u64 until_angle(u64 offset_ns) const;
    [[nodiscard]] u64 until_index() const;
    [[nodiscard]] u64 slot_ns(unsigned sector, unsigned slots, const FloppyDrive& drive) const;
    [[nodiscard]] u64 byte_ns() const;
    void wait(Stage stage, u64 ns);
    void execution_due();
    [[nodiscard]] FloppyDrive* drive_at_sector() const;
    void found();
    bool fetch_sector(FloppyDrive& drive);
    void move_byte();
    void note_activity(bool writes);
    void compare(u8 disk, u8 host);
    void sector_done();
    bool store_sector();
    void next_sector();
    void end_of_track();
    void advance_id();
    void finish_drained(u8 st1);
    void conclude();
    void finish(u8 st0, u8 st1, u8 st2);
    void found_format_slot();
    bool format_sector(FloppyDrive& drive);
    void finish_format();
    void spindle_changed();
    void medium_changed();

    // --- i82077_fifo.cpp: the FIFO between diskette and host
    [[nodiscard]] bool non_dma() const { return (r_.specify[1] & 1) != 0; }
    [[nodiscard]] bool to_host() const;
    [[nodiscard]] bool from_host() const;
    [[nodiscard]] unsigned fifo_depth() const;
    [[nodiscard]] unsigned threshold() const;
    [[nodiscard]] bool wants_more() const;
    void update_request();
    [[nodiscard]] bool give_to_host(u8 byte);
    [[nodiscard]] std::optional<u8> take_from_host();
    void make_consistent();
    u8 host_takes(bool last);
    void host_gives(u8 value, bool last);

    Scheduler& scheduler_;
    Pins pins_;
    std::array<FloppyDrive*, kDrives> drives_;
    Options options_;
    Registers r_;
    ByteQueue<16> fifo_;
    std::array<u8, storage::kSectorSize> sector_{};
    storage::BlockDevice::Request reading_;  // of the sector being found; null after a state was loaded
    Timer poll_timer_;
    Timer execution_timer_;
    std::array<Timer, kDrives> step_timers_;
};

}  // namespace bantam::devices
