// Server: the QEMU Machine Protocol (QEMU, docs/interop/qmp-spec.txt) for one machine (--qmp): what existing clients of
// QEMU talk. Input is taken apart on the line's thread; commands run on the machine's thread between two instructions,
// in their order, and so do the events they cause.
#pragma once

#include <memory>

#include "frontend/control_line.h"
#include "machine/machine.h"

namespace bantam::frontend::qmp {

class Server {
public:
    /// Listens where `config` says (kind none: null) and serves `machine`, which must outlive it. Before
    /// Machine::run(). Errors: as ControlLine::open.
    static Result<std::unique_ptr<Server>> open(const ControlConfig& config, Machine& machine);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

private:
    struct Parts;
    explicit Server(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace bantam::frontend::qmp
