// TalkLine: a control line on which clients talk with one machine in whole messages (--qmp, --gdb). What comes is taken
// apart on the line's thread; each message is taken, in order, on the machine's thread between two instructions, and so
// are the events it causes.
//
// A `Stream` makes messages of bytes: put(bytes), and next() until it has none. A `Talk` is the conversation with one
// client: take(message), tell(event), leave() when the client has left; all on the machine's thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "frontend/control_line.h"
#include "machine/machine.h"

namespace bantam::frontend {

template <class Talk, class Stream>
class TalkLine {
public:
    /// On the line's thread.
    using MakeTalk = std::function<std::shared_ptr<Talk>(std::shared_ptr<ControlLine::Output>)>;

    /// Listens where `config` says (kind none: null) and serves `machine`, which must outlive it, to `most_clients` at
    /// a time. As Machine::observe. Errors: as ControlLine::open.
    static Result<std::unique_ptr<TalkLine>> open(const ControlConfig& config, std::size_t most_clients,
                                                  Machine& machine, MakeTalk make_talk) {
        if (config.kind == ControlConfig::Kind::none) return std::unique_ptr<TalkLine>{};
        std::unique_ptr<TalkLine> served(new TalkLine);
        machine.observe([self = served.get()](const MachineEvent& event) {
            std::erase_if(self->talks_, [](const std::weak_ptr<Talk>& talk) { return talk.expired(); });
            for (const std::weak_ptr<Talk>& told : self->talks_) {
                if (const auto talk = told.lock()) talk->tell(event);
            }
        });
        Result<std::unique_ptr<ControlLine>> line = ControlLine::open(
            config, most_clients,
            [self = served.get(), &machine, make = std::move(make_talk)](std::shared_ptr<ControlLine::Output> output) {
                const std::shared_ptr<Talk> talk = make(output);
                machine.post([self, talk] { self->talks_.push_back(talk); });
                return std::make_unique<Session>(machine, talk, std::move(output));
            });
        if (!line) return line.error();
        served->line_ = std::move(line.value());
        return served;
    }
    TalkLine(const TalkLine&) = delete;
    TalkLine& operator=(const TalkLine&) = delete;

private:
    class Session final : public ControlLine::Session {
    public:
        Session(Machine& machine, std::shared_ptr<Talk> talk, std::shared_ptr<ControlLine::Output> output)
            : machine_(machine), talk_(std::move(talk)), output_(std::move(output)) {}
        ~Session() override {
            machine_.post([talk = talk_] { talk->leave(); });
        }
        Session(const Session&) = delete;
        Session& operator=(const Session&) = delete;

        void received(std::string_view bytes) override {
            stream_.put(bytes);
            while (auto message = stream_.next()) {
                ++*waiting_;
                machine_.post([talk = talk_, output = output_, waiting = waiting_, message = std::move(*message)] {
                    if (!output->ended()) talk->take(message);
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
        Stream stream_;
    };

    TalkLine() = default;

    std::vector<std::weak_ptr<Talk>> talks_;  // with the clients that are connected; on the machine's thread
    std::unique_ptr<ControlLine> line_;
};

}  // namespace bantam::frontend
