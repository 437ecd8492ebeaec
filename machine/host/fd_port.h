// FdPort: the part all host ports share: an input queue filled from one descriptor and an output buffer written to
// another. Both are bounded: input stays in the kernel while the queue is full, output is dropped or waited for by
// policy.
#pragma once

#include <deque>

#include "machine/host/host_port.h"

namespace bantam::host {

class FdPort : public HostPort {
public:
    enum class WhenFull {
        drop,  // nobody may be reading: what does not fit is counted and forgotten
        wait,  // output must not be lost
    };
    static constexpr std::size_t kOutputCapacity = std::size_t{256} << 10;
    static constexpr std::size_t kInputCapacity = 4096;

    ~FdPort() override;
    FdPort(const FdPort&) = delete;
    FdPort& operator=(const FdPort&) = delete;

    void put(u8 byte) override;
    std::optional<u8> get() override;
    void add_poll(std::vector<pollfd>& fds) const override;
    void service() override;
    [[nodiscard]] bool input_waiting() const override { return !input_.empty(); }
    [[nodiscard]] bool input_possible() const override { return in_ >= 0; }
    void drain(int timeout_ms) override;
    /// Bytes the guest sent that nobody got.
    [[nodiscard]] u64 dropped() const { return dropped_; }

protected:
    FdPort(WhenFull when_full, PortEvents events) : when_full_(when_full), events_(std::move(events)) {}

    /// Takes over descriptors (-1: none). The same number for both is closed once.
    void set_fds(int in, int out);
    void close_fds();
    [[nodiscard]] int in() const { return in_; }
    [[nodiscard]] int out() const { return out_; }
    [[nodiscard]] const PortEvents& events() const { return events_; }
    void queue_input(u8 byte) { input_.push_back(byte); }

    /// A byte read from the host; the default queues it.
    virtual void received(u8 byte) { queue_input(byte); }
    /// End of input, or the other side has gone away.
    virtual void input_ended();
    /// Writing failed for good with `error` (errno).
    virtual void output_failed(int error);

private:
    void read_input();
    /// Writes what the descriptor takes now; false: it takes nothing.
    bool write_some();
    void wait_for_room();

    WhenFull when_full_;
    PortEvents events_;
    int in_ = -1;
    int out_ = -1;
    std::deque<u8> input_;
    std::vector<u8> output_;
    std::size_t written_ = 0;  // bytes of output_ already written
    u64 dropped_ = 0;
};

}  // namespace bantam::host
