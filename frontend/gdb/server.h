// Server: gdb's remote protocol for one machine (--gdb). Packets are taken apart on the line's thread and carried out
// on the machine's, between two instructions (stub.h).
#pragma once

#include <memory>

#include "frontend/control_line.h"
#include "machine/machine.h"

namespace bantam::frontend::gdb {

class Server {
public:
    /// Listens where `config` says (kind none: null) and serves `machine`, which must outlive it. Before
    /// Machine::run(). Errors: as ControlLine::open.
    static Result<std::unique_ptr<Server>> open(const GdbConfig& config, Machine& machine);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

private:
    struct Parts;
    explicit Server(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace bantam::frontend::gdb
