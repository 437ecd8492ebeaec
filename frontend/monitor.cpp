#include "frontend/monitor.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>

namespace bantam::frontend {
namespace {

constexpr std::string_view kPrompt = "(bantam) ";
constexpr std::size_t kLongestLine = 4096;

/// What the two threads share about one command; kept alive by whoever is last.
struct Answer {
    std::mutex mutex;
    std::condition_variable ready;
    std::optional<std::string> text;
};

/// Reads lines, has each carried out on the machine's thread, and waits for it.
class MonitorSession final : public ControlLine::Session {
public:
    MonitorSession(Machine& machine, std::shared_ptr<ControlLine::Output> output)
        : machine_(machine), output_(std::move(output)) {
        output_->send(kPrompt);
    }

    void received(std::string_view bytes) override {
        pending_ += bytes;
        std::size_t end = 0;
        while (!output_->ended() && (end = pending_.find('\n')) != std::string::npos) {
            output_->send(end > kLongestLine ? "the line is too long\n" : execute(pending_.substr(0, end)));
            output_->send(kPrompt);
            pending_.erase(0, end + 1);
        }
        // What is kept of a line that is too long stays too long.
        if (pending_.size() > kLongestLine) pending_.resize(kLongestLine + 1);
    }

private:
    std::string execute(const std::string& line) {
        auto answer = std::make_shared<Answer>();
        machine_.post([answer, line, &target = machine_] {
            std::string text = execute_monitor_line(target, line).text;
            const std::scoped_lock lock(answer->mutex);
            answer->text = std::move(text);
            answer->ready.notify_one();
        });
        std::unique_lock lock(answer->mutex);
        // A machine that has ended carries out nothing more: look now and then whether the line is to end.
        while (!answer->text && !output_->ended()) answer->ready.wait_for(lock, std::chrono::milliseconds(50));
        return answer->text.value_or("the machine has ended\n");
    }

    Machine& machine_;
    std::shared_ptr<ControlLine::Output> output_;
    std::string pending_;
};

}  // namespace

std::unique_ptr<ControlLine::Session> start_monitor(Machine& machine, std::shared_ptr<ControlLine::Output> output) {
    return std::make_unique<MonitorSession>(machine, std::move(output));
}

}  // namespace bantam::frontend
