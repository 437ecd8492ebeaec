// Lock-step: interpreter and translator side by side through a whole run (`bantam run --lockstep`), the judge of the
// translator.
//
// First pass: translated code runs as ever, links and all; registers are compared each time it has come back, all of
// RAM every few million instructions. All of it is repeatable, so a difference is then looked for from where RAM was
// last the same, in two machines that run from the beginning once more: block by block, with the pages that differed
// compared after each. What shows only when blocks run into each other is narrowed to one run of translated code.
//
// Nothing from outside may reach the guests: no input on serial lines, no monitor, virtual time, and what they write to
// their images is forgotten.
#pragma once

#include "machine/lockstep/pair.h"

namespace bantam {

class Lockstep {
public:
    /// Errors: usage for what cannot be repeated; those of Machine::create.
    static Result<std::unique_ptr<Lockstep>> create(MachineConfig config, lockstep::WrapRunner wrap = {});

    /// The translator's machine, whose output is the run's.
    [[nodiscard]] Machine& machine() { return first_->machine(); }
    /// As Machine::run. StopReason::engines_differ: report() says how.
    Outcome run();
    [[nodiscard]] const std::string& report() const { return report_; }
    /// The difference that report() tells of.
    [[nodiscard]] const std::optional<lockstep::Difference>& difference() const { return difference_; }

private:
    Lockstep(MachineConfig config, lockstep::WrapRunner wrap) : config_(std::move(config)), wrap_(std::move(wrap)) {}

    /// Looks for `found` again by `plan`.
    [[nodiscard]] std::optional<lockstep::Difference> search(lockstep::Plan plan) const;

    const MachineConfig config_;
    const lockstep::WrapRunner wrap_;
    std::unique_ptr<lockstep::Pair> first_;
    std::optional<lockstep::Difference> difference_;
    std::string report_;
};

}  // namespace bantam
