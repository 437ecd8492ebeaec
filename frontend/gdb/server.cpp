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
    Session(Machine& machine, std::shared_ptr<Stub> stub, std::shared_ptr<ControlLine::Output> output)
        : machine_(machine), stub_(std::move(stub)), output_(std::move(output)) {}
    ~Session() override {
        machine_.post([stub = stub_] { stub->leave(); });
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    void received(std::string_view bytes) override {
        reader_.put(bytes);
        while (auto input = reader_.next()) {
            ++*waiting_;
            machine_.post([stub = stub_, output = output_, waiting = waiting_, input = std::move(*input)] {
                if (!output->ended()) stub->take(input);
                --*waiting;
                output->send({});  // the line looks again whether we are busy
            });
        }
    }
    [[nodiscard]] bool busy() const override { return *waiting_ != 0; }

private:
    Machine& machine_;
    std::shared_ptr<Stub> stub_;
    std::shared_ptr<ControlLine::Output> output_;
    std::shared_ptr<std::atomic<unsigned>> waiting_ = std::make_shared<std::atomic<unsigned>>(0);
    PacketReader reader_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::open(const GdbConfig& config, Machine& machine) {
    if (config.line.kind == ControlConfig::Kind::none) return std::unique_ptr<Server>{};
    auto parts = std::make_unique<Parts>();
    machine.observe([p = parts.get()](const MachineEvent& event) {
        if (const auto stub = p->stub.lock()) stub->tell(event);
    });
    Result<std::unique_ptr<ControlLine>> line = ControlLine::open(
        config.line, [p = parts.get(), bits = config.bits, &machine](std::shared_ptr<ControlLine::Output> output) {
            auto stub = std::make_shared<Stub>(machine, output, bits);
            machine.post([p, stub] { p->stub = stub; });
            return std::make_unique<Session>(machine, std::move(stub), std::move(output));
        });
    if (!line) return line.error();
    parts->line = std::move(line.value());
    return std::unique_ptr<Server>(new Server(std::move(parts)));
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Server::~Server() = default;

}  // namespace bantam::frontend::gdb
