// Fuzz target: what a client of QMP sends. Every value gets one answer that is JSON, or is an event's cause. Commands
// that write files are left out: the input would choose their names.
#include <cstddef>
#include <memory>
#include <string>

#include "base/check.h"
#include "frontend/qmp/json_stream.h"
#include "frontend/qmp/talk.h"
#include "tests/fuzz/control_machine.h"

namespace {

using namespace bantam;

class Sink final : public frontend::ControlLine::Output {
public:
    void send(std::string_view text) override {
        CHECK(text.ends_with("\r\n"));
        CHECK(!nlohmann::json::parse(text, nullptr, false).is_discarded());
        ++messages;
    }
    [[nodiscard]] bool ended() const override { return false; }
    unsigned messages = 0;
};

bool writes_files(const std::string& text) {
    return text.find("filename") != text.npos || text.find("\\u") != text.npos ||
           text.find("human-monitor-command") != text.npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    static const std::unique_ptr<Machine> machine = make_control_machine();
    frontend::qmp::Context context{.machine = *machine};
    const auto sink = std::make_shared<Sink>();
    frontend::qmp::Talk talk(context, sink);
    talk.take(R"({"execute": "qmp_capabilities"})");
    frontend::qmp::JsonStream stream;
    stream.put({reinterpret_cast<const char*>(data), size});
    while (const auto text = stream.next()) {
        if (writes_files(*text)) continue;
        const unsigned before = sink->messages;
        talk.take(*text);
        CHECK(sink->messages == before + 1);
    }
    return 0;
}
