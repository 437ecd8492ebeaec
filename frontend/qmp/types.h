// Types of QMP's arguments and of what commands return, as data: what the QAPI schema says of the commands that Bantam
// has (QEMU, qapi/*.json). One description checks what a client sends, in QEMU's words, and makes the answer to
// query-qmp-schema.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace bantam::frontend::qmp {

struct Type;

struct Member {
    std::string_view name;
    const Type* type;
    bool optional = false;
};

/// A member `data` whose type depends on the value of the member `type`.
struct Variant {
    std::string_view tag;
    const Type* data;
};

struct Type {
    enum class Kind { any, string, integer, boolean, array, object, words, keys } kind = Kind::any;
    std::string_view name;                         // in the schema, and in errors where it is a builtin
    std::span<const Member> members = {};          // object
    std::span<const Variant> variants = {};        // object with a tag `type`
    const Type* element = nullptr;                 // array
    std::span<const std::string_view> words = {};  // words: what it may be; keys: the names of the keys of a keyboard
};

extern const Type kAny, kString, kInteger, kBoolean;

/// What is wrong with `value` as a `type`, in QEMU's words; nothing if it is one. `path` names it: "keys[0].data".
[[nodiscard]] std::optional<std::string> complaint_about(const nlohmann::json& value, const Type& type,
                                                         const std::string& path);

}  // namespace bantam::frontend::qmp
