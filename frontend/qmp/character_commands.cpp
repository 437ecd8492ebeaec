// Commands about character devices: the serial lines as they are, and rings of bytes that clients make (QEMU,
// qapi/char.json).
#include <fmt/format.h>

#include <array>
#include <bit>

#include "frontend/qmp/base64.h"
#include "frontend/qmp/command.h"

namespace bantam::frontend::qmp {
namespace {

std::string description(const SerialConfig& serial) {
    switch (serial.kind) {
        case SerialConfig::Kind::none:
            return "null";
        case SerialConfig::Kind::stdio:
            return "stdio";
        case SerialConfig::Kind::file:
            return "file:" + serial.path;
        case SerialConfig::Kind::unix_socket:
            return "unix:" + serial.path + ",server=on";
        case SerialConfig::Kind::pty:
            return "pty";
    }
    return "";
}

Reply query_chardev(Context& context, const json&) {
    json devices = json::array();
    const std::vector<SerialConfig>& serials = context.machine.config().serials;
    for (std::size_t i = 0; i < serials.size(); ++i) {
        devices.push_back(
            {{"label", fmt::format("serial{}", i)}, {"filename", description(serials[i])}, {"frontend-open", true}});
    }
    for (const auto& [name, ring] : context.rings)
        devices.push_back({{"label", name}, {"filename", "ringbuf"}, {"frontend-open", false}});
    return devices;
}

// --- rings

constexpr std::array kRingMembers{Member{"size", &kInteger, true}};
constexpr Type kRing{.kind = Type::Kind::object, .name = "ChardevRingbuf", .members = kRingMembers};
constexpr std::array kBackendVariants{Variant{"ringbuf", &kRing}};
constexpr std::array<std::string_view, 1> kBackendWords{"ringbuf"};
constexpr Type kBackendKind{.kind = Type::Kind::words, .name = "ChardevBackendKind", .words = kBackendWords};
constexpr std::array kBackendMembers{Member{"type", &kBackendKind}};
constexpr Type kBackend{
    .kind = Type::Kind::object, .name = "ChardevBackend", .members = kBackendMembers, .variants = kBackendVariants};
constexpr std::array kAddArguments{Member{"id", &kString}, Member{"backend", &kBackend}};
constexpr std::array kRemoveArguments{Member{"id", &kString}};

Reply chardev_add(Context& context, const json& arguments) {
    constexpr i64 kUsualSize = 65536, kMostSize = i64{16} << 20;
    const json& data = arguments["backend"]["data"];
    const auto id = arguments["id"].get<std::string>();
    const i64 size = data.value("size", kUsualSize);
    if (size <= 0 || size > kMostSize || !std::has_single_bit(static_cast<u64>(size)))
        return Failure{"size of ringbuf chardev must be power of two"};
    if (!context.rings.emplace(id, Ring{.size = static_cast<std::size_t>(size), .bytes = {}}).second)
        return Failure{fmt::format("Chardev with id '{}' already exists", id)};
    return json::object();
}

Reply chardev_remove(Context& context, const json& arguments) {
    const auto id = arguments["id"].get<std::string>();
    if (context.rings.erase(id) == 0) return Failure{fmt::format("Chardev '{}' not found", id)};
    return json::object();
}

constexpr std::array<std::string_view, 2> kDataWords{"utf8", "base64"};
constexpr Type kDataFormat{.kind = Type::Kind::words, .name = "DataFormat", .words = kDataWords};
constexpr std::array kWriteArguments{Member{"device", &kString}, Member{"data", &kString},
                                     Member{"format", &kDataFormat, true}};
constexpr std::array kReadArguments{Member{"device", &kString}, Member{"size", &kInteger},
                                    Member{"format", &kDataFormat, true}};

Ring* find_ring(Context& context, const json& arguments) {
    const auto found = context.rings.find(arguments["device"].get<std::string>());
    return found == context.rings.end() ? nullptr : &found->second;
}

Failure no_ring(const json& arguments) {
    return {fmt::format("Device '{}' not found", arguments["device"].get<std::string>())};
}

Reply ringbuf_write(Context& context, const json& arguments) {
    Ring* ring = find_ring(context, arguments);
    if (ring == nullptr) return no_ring(arguments);
    auto data = std::optional(arguments["data"].get<std::string>());
    if (arguments.value("format", "utf8") == "base64") data = from_base64(*data);
    if (!data) return Failure{"Base64 data in 'data' is not valid"};
    ring->bytes += *data;
    if (ring->bytes.size() > ring->size) ring->bytes.erase(0, ring->bytes.size() - ring->size);
    return json::object();
}

Reply ringbuf_read(Context& context, const json& arguments) {
    Ring* ring = find_ring(context, arguments);
    if (ring == nullptr) return no_ring(arguments);
    const i64 size = arguments["size"].get<i64>();
    if (size <= 0) return Failure{"size must be greater than zero"};
    const std::string read = ring->bytes.substr(0, static_cast<std::size_t>(size));
    ring->bytes.erase(0, read.size());
    return json(arguments.value("format", "utf8") == "base64" ? to_base64(read) : read);
}

constexpr std::array kCommands{
    QmpCommand{"query-chardev", {}, query_chardev, &kChardevInfos},
    QmpCommand{"chardev-add", kAddArguments, chardev_add},
    QmpCommand{"chardev-remove", kRemoveArguments, chardev_remove},
    QmpCommand{"ringbuf-write", kWriteArguments, ringbuf_write},
    QmpCommand{"ringbuf-read", kReadArguments, ringbuf_read, &kString},
};

}  // namespace

std::span<const QmpCommand> character_commands() { return kCommands; }

}  // namespace bantam::frontend::qmp
