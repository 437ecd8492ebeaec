#include "frontend/qmp/types.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "devices/key_names.h"

namespace bantam::frontend::qmp {
namespace {

using nlohmann::json;
using Kind = Type::Kind;

bool fits(const json& value, Kind kind) {
    switch (kind) {
        case Kind::any:
            return true;
        case Kind::string:
        case Kind::words:
        case Kind::keys:
            return value.is_string();
        case Kind::integer:
            return value.is_number_integer();
        case Kind::boolean:
            return value.is_boolean();
        case Kind::array:
            return value.is_array();
        case Kind::object:
            return value.is_object();
    }
    return false;
}

/// What QEMU calls a JSON type in its errors.
std::string_view json_type(Kind kind) {
    switch (kind) {
        case Kind::any:
            return "any value";
        case Kind::integer:
            return "integer";
        case Kind::boolean:
            return "boolean";
        case Kind::array:
            return "array";
        case Kind::object:
            return "object";
        case Kind::string:
        case Kind::words:
        case Kind::keys:
            break;
    }
    return "string";
}

std::string join(const std::string& path, std::string_view name) {
    return path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
}

std::optional<std::string> complaint_about_word(const json& value, const Type& type, const std::string& path) {
    const auto& word = value.get_ref<const std::string&>();
    const bool known = type.kind == Kind::keys
                           ? devices::key_by_name(word).has_value()
                           : std::find(type.words.begin(), type.words.end(), word) != type.words.end();
    if (known) return std::nullopt;
    // QEMU names the member alone here, and elements of lists not at all.
    const std::string member = path.ends_with(']') ? "null" : path.substr(path.rfind('.') + 1);
    return fmt::format("Parameter '{}' does not accept value '{}'", member, word);
}

std::optional<std::string> complaint_about_object(const json& value, const Type& type, const std::string& path) {
    std::vector<std::string_view> known;
    for (const Member& member : type.members) {
        known.push_back(member.name);
        const auto found = value.find(std::string(member.name));
        const std::string name = join(path, member.name);
        if (found == value.end()) {
            if (!member.optional) return fmt::format("Parameter '{}' is missing", name);
        } else if (auto complaint = complaint_about(*found, *member.type, name)) {
            return complaint;
        }
    }
    if (!type.variants.empty()) {
        known.push_back("data");
        const auto& tag = value.at("type").get_ref<const std::string&>();
        const auto variant = std::find_if(type.variants.begin(), type.variants.end(),
                                          [&tag](const Variant& candidate) { return candidate.tag == tag; });
        const std::string name = join(path, "data");
        if (!value.contains("data")) return fmt::format("Parameter '{}' is missing", name);
        if (auto complaint = complaint_about(value.at("data"), *variant->data, name)) return complaint;
    }
    for (const auto& [name, ignored] : value.items()) {
        if (std::find(known.begin(), known.end(), name) == known.end())
            return fmt::format("Parameter '{}' is unexpected", join(path, name));
    }
    return std::nullopt;
}

}  // namespace

const Type kAny{Kind::any, "any"}, kString{Kind::string, "str"}, kInteger{Kind::integer, "int"},
    kBoolean{Kind::boolean, "bool"};

std::optional<std::string> complaint_about(const json& value, const Type& type, const std::string& path) {
    if (!fits(value, type.kind))
        return fmt::format("Invalid parameter type for '{}', expected: {}", path, json_type(type.kind));
    if (type.kind == Kind::words || type.kind == Kind::keys) return complaint_about_word(value, type, path);
    if (type.kind == Kind::object) return complaint_about_object(value, type, path);
    if (type.kind == Kind::array) {
        for (std::size_t i = 0; i < value.size(); ++i) {
            if (auto complaint = complaint_about(value[i], *type.element, fmt::format("{}[{}]", path, i)))
                return complaint;
        }
    }
    return std::nullopt;
}

}  // namespace bantam::frontend::qmp
