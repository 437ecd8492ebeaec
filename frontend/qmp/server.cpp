#include "frontend/qmp/server.h"

#include <atomic>

#include "frontend/qmp/json_stream.h"
#include "frontend/qmp/talk.h"

namespace bantam::frontend::qmp {

struct Server::Parts {
    explicit Parts(Machine& machine) : context{.machine = machine} {}

    Context context;
    std::weak_ptr<Talk> talk;  // with the client that is connected; on the machine's thread
    std::unique_ptr<ControlLine> line;
};

namespace {

/// The line's end of a talk.
class Session final : public ControlLine::Session {
public:
    Session(Machine& machine, std::shared_ptr<Talk> talk, std::shared_ptr<ControlLine::Output> output)
        : machine_(machine), talk_(std::move(talk)), output_(std::move(output)) {}

    void received(std::string_view bytes) override {
        stream_.put(bytes);
        while (auto text = stream_.next()) {
            ++*waiting_;
            machine_.post([talk = talk_, output = output_, waiting = waiting_, text = std::move(*text)] {
                if (!output->ended()) talk->take(text);
                --*waiting;
                output->send({});  // the line looks again whether we are busy
            });
        }
    }
    [[nodiscard]] bool busy() const override { return *waiting_ != 0; }

private:
    Machine& machine_;
    std::shared_ptr<Talk> talk_;
    std::shared_ptr<ControlLine::Output> output_;
    std::shared_ptr<std::atomic<unsigned>> waiting_ = std::make_shared<std::atomic<unsigned>>(0);
    JsonStream stream_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::open(const ControlConfig& config, Machine& machine) {
    if (config.kind == ControlConfig::Kind::none) return std::unique_ptr<Server>{};
    auto parts = std::make_unique<Parts>(machine);
    machine.observe([p = parts.get()](const MachineEvent& event) {
        if (const auto talk = p->talk.lock()) talk->tell(event);
    });
    Result<std::unique_ptr<ControlLine>> line =
        ControlLine::open(config, [p = parts.get(), &machine](std::shared_ptr<ControlLine::Output> output) {
            auto talk = std::make_shared<Talk>(p->context, output);
            machine.post([p, talk] { p->talk = talk; });
            return std::make_unique<Session>(machine, talk, std::move(output));
        });
    if (!line) return line.error();
    parts->line = std::move(line.value());
    return std::unique_ptr<Server>(new Server(std::move(parts)));
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Server::~Server() = default;

}  // namespace bantam::frontend::qmp
