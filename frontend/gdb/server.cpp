#include "frontend/gdb/server.h"

#include <atomic>

#include "frontend/gdb/packets.h"
#include "frontend/gdb/stub.h"

namespace bantam::frontend::gdb {

struct Server::Parts {
    std::weak_ptr<Stub> stub;  // of the gdb that is connected; on the machine's thread
    std::unique_ptr<ControlLine> line;
};

namespace {

class Session final : public ControlLine::Session {
public:
    Session(Machine& machine, std::shared_ptr<Stub> stub) : machine_(machine), stub_(std::move(stub)) {}
    ~Session() override {
        machine_.post([stub = stub_] { stub->leave(); });
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    void received(std::string_view bytes) override {
        reader_.put(bytes);
        while (auto input = reader_.next()) {
            machine_.post([stub = stub_, input = std::move(*input)] { stub->take(input); });
        }
    }

private:
    Machine& machine_;
    std::shared_ptr<Stub> stub_;
    PacketReader reader_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::open(const ControlConfig& config, Machine& machine) {
    if (config.kind == ControlConfig::Kind::none) return std::unique_ptr<Server>{};
    auto parts = std::make_unique<Parts>();
    machine.observe([p = parts.get()](const MachineEvent& event) {
        if (const auto stub = p->stub.lock()) stub->tell(event);
    });
    Result<std::unique_ptr<ControlLine>> line =
        ControlLine::open(config, [p = parts.get(), &machine](std::shared_ptr<ControlLine::Output> output) {
            auto stub = std::make_shared<Stub>(machine, std::move(output));
            machine.post([p, stub] {
                p->stub = stub;
                stub->begin();
            });
            return std::make_unique<Session>(machine, stub);
        });
    if (!line) return line.error();
    parts->line = std::move(line.value());
    return std::unique_ptr<Server>(new Server(std::move(parts)));
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Server::~Server() = default;

}  // namespace bantam::frontend::gdb
