// Talk: the conversation with one client of QMP: the greeting, negotiation of capabilities, commands and their answers,
// events (QEMU, docs/interop/qmp-spec.txt): what existing clients of QEMU talk. It works on whole JSON values and knows
// nothing of sockets (talk_line.h).
#pragma once

#include <memory>
#include <string>

#include "frontend/control_line.h"
#include "frontend/qmp/command.h"
#include "machine/events.h"

namespace bantam::frontend::qmp {

class Talk {
public:
    /// Greets the client.
    Talk(Context& context, std::shared_ptr<ControlLine::Output> output);

    /// One value of the client's. On the machine's thread, as tell().
    void take(const std::string& text);
    /// Clients hear of events once they have negotiated.
    void tell(const MachineEvent& event);
    /// Events are for nobody any more.
    void leave() { negotiated_ = false; }

private:
    struct Request;
    [[nodiscard]] std::variant<Request, Failure> parse(const std::string& text, json& id) const;
    Reply execute(const Request& request);
    void send(const json& message);

    Context& context_;
    std::shared_ptr<ControlLine::Output> output_;
    bool negotiated_ = false;
    bool out_of_band_ = false;  // negotiated
};

}  // namespace bantam::frontend::qmp
