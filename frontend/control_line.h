// ControlLine: how programs and people outside reach a running machine: standard input and output, a listening unix
// socket or a listening TCP port of this host. As many clients at a time as its owner says; others wait until one
// leaves. The line has a thread of its own; what a session does with the bytes is its affair (monitor.h, talk_line.h).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "machine/config.h"

namespace bantam::frontend {

class ControlLine {
public:
    /// The way to one client. Safe from every thread, also when the client has left.
    class Output {
    public:
        virtual ~Output() = default;
        /// Queues `text`. A client that leaves more than kMostWaiting bytes unread is dropped.
        virtual void send(std::string_view text) = 0;
        /// The client has left, or the line is to end: whoever waits on its behalf must not any more.
        [[nodiscard]] virtual bool ended() const = 0;
    };
    static constexpr std::size_t kMostWaiting = std::size_t{64} << 20;
    /// Clients at a time where any number may talk: a bound on what they can make us keep.
    static constexpr std::size_t kManyClients = 64;

    /// One client's side of a talk, on the line's thread.
    class Session {
    public:
        virtual ~Session() = default;
        virtual void received(std::string_view bytes) = 0;
        /// Answers to what was received are still to come; nothing more is read until then. Whoever ends that sends
        /// something, if only an empty text.
        [[nodiscard]] virtual bool busy() const { return false; }
    };
    using Connect = std::function<std::unique_ptr<Session>(std::shared_ptr<Output>)>;

    /// Opens what `config` says (kind none: null) and serves it, `most_clients` at a time. `connect` makes a session
    /// for each client. Errors: host_resource (the socket or port cannot be had), usage (a path too long, an address
    /// that is not this host's own).
    static Result<std::unique_ptr<ControlLine>> open(const ControlConfig& config, std::size_t most_clients,
                                                     Connect connect);
    /// Sends what is queued, a second at most, and ends the thread. Call when Machine::run has returned.
    ~ControlLine();
    ControlLine(const ControlLine&) = delete;
    ControlLine& operator=(const ControlLine&) = delete;

private:
    struct Parts;
    explicit ControlLine(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace bantam::frontend
