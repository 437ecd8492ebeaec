#include "jit/statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <vector>

namespace bantam::jit {
namespace {

constexpr std::size_t kShown = 8;

double share(u64 part, u64 whole) { return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole); }

/// ": MOV 12, ADD 3", the largest first.
std::string largest(const CountByMnemonic& counts) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        if (counts[i] != 0) order.push_back(i);
    }
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return counts[a] > counts[b]; });
    std::string text;
    for (std::size_t i = 0; i < std::min(order.size(), kShown); ++i) {
        text += fmt::format("{} {} {}", i == 0 ? ":" : ",", isa::mnemonic_name(static_cast<isa::Mnemonic>(order[i])),
                            counts[order[i]]);
    }
    return text;
}

}  // namespace

std::string to_text(const Statistics& n) {
    std::string text;
    const auto add = [&text]<class... Args>(fmt::format_string<Args...> format, Args&&... args) {
        fmt::format_to(std::back_inserter(text), format, std::forward<Args>(args)...);
    };
    add("translations: {} of {} instructions, {:.1f} host bytes a guest instruction, {} not possible; {} links, cache "
        "emptied {} times\n",
        n.translations, n.translated_instructions, share(n.host_bytes, n.translated_instructions), n.not_translatable,
        n.links, n.flushes);
    add("translated code: entered {} times, {:.1f} instructions a time; left by", n.runs, share(n.retired, n.runs));
    for (std::size_t i = 0; i < n.departures.size(); ++i) {
        add("{} {} {}", i == 0 ? "" : ",", kDepartureNames[i], n.departures[i]);
    }
    add("; gone on after a system instruction {} times", n.gone_on);
    add("\nblocks left to the interpreter: {} cold, {} in modes that are not translated\n", n.declined_cold,
        n.declined_mode);
    add("handed over: {} instructions{}\n", n.handed_over - n.slow_paths, largest(n.handed_over_by));
    add("slow paths: {} memory operands{}\n", n.slow_paths, largest(n.slow_paths_by));
    add("windows: {} host faults, {} of them led to a slow path; {} instructions kept from windows, which {} blocks "
        "tried again, {} accesses not in the window expected\n",
        n.host_faults, n.slow_faults, n.kept_from_windows, n.windows_tried_again, n.unexpected_windows);
    return text;
}

}  // namespace bantam::jit
