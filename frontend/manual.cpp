#include "frontend/manual.h"

#include <fmt/format.h>

#include "frontend/options.h"
#include "frontend/scenario_steps.h"
#include "frontend/version.h"

namespace bantam::frontend {
namespace {

std::string option_head(const Option& option) {
    std::string head = fmt::format("--{}", option.name);
    if (!option.is_flag()) head += fmt::format(" {}", option.value);
    if (option.repeatable) head += " ...";
    return head;
}

/// `text` broken into lines of at most `width` columns, each after `indent` spaces.
std::string wrap(std::string_view text, std::size_t indent, std::size_t width) {
    std::string wrapped;
    while (!text.empty()) {
        std::size_t length = text.size();
        if (indent + length > width) {
            const std::size_t space = text.rfind(' ', width - indent);
            length = space == text.npos || space == 0 ? std::min(text.find(' '), text.size()) : space;
        }
        wrapped += std::string(indent, ' ') + std::string(text.substr(0, length)) + '\n';
        text.remove_prefix(std::min(length + 1, text.size()));
    }
    return wrapped;
}

std::string options_text(Command command) {
    constexpr std::size_t kColumn = 30;
    constexpr std::size_t kWidth = 100;
    std::string text;
    for (const Option& option : option_table()) {
        if (option.command != command) continue;
        std::string head = "  " + option_head(option);
        std::string help = wrap(option.help, kColumn, kWidth);
        if (head.size() < kColumn - 1) {
            help.replace(0, head.size(), head);
            text += help;
        } else {
            text += head + '\n' + help;
        }
    }
    return text;
}

std::string statuses_text() {
    std::string text = "\nExit status:\n";
    for (const ExitStatusInfo& info : exit_status_table()) {
        text += fmt::format("  {:<3} {}\n", static_cast<int>(info.status), info.meaning);
    }
    return text +
           "  with --debug-exit, 2*value+1 when the guest writes value to port F4h\n"
           "  'bantam test': 0 all passed, 1 some failed, 65 a scenario is wrong and nothing ran\n";
}

/// Escapes what man(7) would take for a request or a hyphen.
std::string roff(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        if (c == '\\') {
            escaped += "\\\\";
        } else if (c == '-') {
            escaped += "\\-";
        } else {
            escaped += c;
        }
    }
    if (!escaped.empty() && (escaped.front() == '.' || escaped.front() == '\'')) escaped.insert(0, "\\&");
    return escaped;
}

}  // namespace

std::string help_text(std::string_view topic) {
    std::string text;
    for (const CommandInfo& info : command_table()) {
        if (!topic.empty() && info.name != topic) continue;
        if (topic.empty()) {
            text += fmt::format("  bantam {:<36} {}\n", info.usage, info.help);
        } else {
            text += fmt::format("Usage: bantam {}\n\n{}\n", info.usage, info.help);
            if (const std::string options = options_text(info.command); !options.empty())
                text += "\nOptions:\n" + options;
            if (info.command == Command::test) {
                text += "\nSteps (one in each [[step]]):\n" + scenario_steps_text() +
                        "\nExample, hello.toml:\n"
                        "  limit = \"60s\"\n\n"
                        "  [machine]\n  kernel = \"vmlinuz\"\n  initrd = \"initrd.gz\"\n  append = "
                        "\"console=ttyS0\"\n\n"
                        "  [[step]]\n  wait-serial = \"# \"\n\n"
                        "  [[step]]\n  send = \"poweroff -f\\r\"\n\n"
                        "  [[step]]\n  wait-power-off = true\n\n"
                        "  bantam test hello.toml --artifacts out\n\ndocs/SCENARIOS.md describes the format.\n";
            }
            if (info.command == Command::ctl) {
                text +=
                    "\nPATH is the socket of --qmp unix:PATH; tcp:HOST:PORT is one of --qmp tcp:.\n"
                    "COMMAND is one of QMP's, with arguments as NAME=VALUE (values are JSON, or text), one of the "
                    "monitor's\n('help' lists these), or 'events', which prints what happens until the machine ends.\n"
                    "\nExamples:\n"
                    "  bantam ctl m.qmp query-status\n"
                    "  bantam ctl m.qmp screendump filename=screen.png format=png\n"
                    "  bantam ctl m.qmp sendkey ctrl-alt-delete\n"
                    "  bantam ctl m.qmp events\n";
            }
            if (info.command == Command::run) {
                text +=
                    "\nMACHINE.toml has the same keys as the options (but --print-config), as strings; options "
                    "override it.\n"
                    "Sizes take K, M, G; times are written 500ms, 30s, 2m, 1h. A machine without "
                    "a display\n"
                    "runs headless. With --kernel and no --serial, COM1 is this terminal; Ctrl-A x leaves it.\n";
            }
        }
    }
    if (topic.empty()) {
        text =
            "Bantam runs operating systems for the PC, without needing virtualization from the host.\n\nUsage:\n" +
            text +
            "  bantam                                      On a desktop: recent machines, an image to open, a disk to "
            "create.\n"
            "  bantam --version                            Prints the version.\n"
            "\n'bantam help run' lists the options of a machine.\n";
    }
    return text + statuses_text();
}

std::string manual_page() {
    std::string page = fmt::format(
        ".TH BANTAM 1 \"\" \"bantam {}\" \"User Commands\"\n.SH NAME\nbantam \\- full\\-system x86 PC emulator\n.SH "
        "SYNOPSIS\n",
        kVersion);
    for (const CommandInfo& info : command_table()) page += fmt::format(".B bantam\n{}\n.br\n", roff(info.usage));
    page +=
        ".B bantam\n\\-\\-version\n.br\n.B bantam\n.SH DESCRIPTION\n"
        "Bantam runs unmodified operating systems for the PC on an x86\\-64 Linux host, without needing virtualization "
        "from it. Alone, on a desktop, it opens a window with recent machines, to open an image, or to create a disk.\n"
        ".SH COMMANDS\n";
    for (const CommandInfo& info : command_table()) {
        page += fmt::format(".TP\n.B {}\n{}\n", roff(info.name), roff(info.help));
    }
    for (const CommandInfo& info : command_table()) {
        std::string options;
        for (const Option& option : option_table()) {
            if (option.command != info.command) continue;
            options += option.is_flag()
                           ? fmt::format(".TP\n.B \\-\\-{}", roff(option.name))
                           : fmt::format(".TP\n.BI \"\\-\\-{} \" \"{}\"", roff(option.name), roff(option.value));
            options +=
                fmt::format("\n{}.{}\n", roff(option.help), option.repeatable ? " May be given several times." : "");
        }
        if (!options.empty()) page += fmt::format(".SH OPTIONS OF {}\n{}", roff(info.name), options);
    }
    page +=
        ".SH MACHINE.TOML\nThe keys are the names of the options of\n.BR run ,\nwithout dashes; values are strings as "
        "on the "
        "command line, true or false for flags, and arrays for options that may be given several times. Options "
        "override "
        "the file.\n.SH EXIT STATUS\n";
    for (const ExitStatusInfo& info : exit_status_table()) {
        page += fmt::format(".TP\n.B {}\n{}\n", static_cast<int>(info.status), roff(info.meaning));
    }
    page += ".PP\nWith \\-\\-debug\\-exit, 2*value+1 when the guest writes value to port F4h.\n";
    return page;
}

std::string bash_completion() {
    std::string commands;
    std::string options;
    std::string values;
    for (const CommandInfo& info : command_table()) {
        commands += fmt::format("{}{}", commands.empty() ? "" : " ", info.name);
        std::string names;
        for (const Option& option : option_table()) {
            if (option.command == info.command) names += fmt::format(" --{}", option.name);
        }
        options += fmt::format("        {}) words=\"--help{}\" ;;\n", info.name, names);
    }
    for (const Option& option : option_table()) {
        if (option.is_flag()) continue;
        const char* files = option.takes_file ? " COMPREPLY+=($(compgen -f -- \"$current\"));" : "";
        values += fmt::format("        --{}) COMPREPLY=($(compgen -W \"{}\" -- \"$current\"));{} return ;;\n",
                              option.name, option.words, files);
    }
    return fmt::format(R"(# bash completion for bantam, generated from its option table
_bantam() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} words=
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W "{} --version --help" -- "$current"))
        return
    fi
    case $previous in
{}        help) COMPREPLY=($(compgen -W "{}" -- "$current")); return ;;
    esac
    case ${{COMP_WORDS[1]}} in
{}    esac
    case $current in
        -*) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
        *) COMPREPLY=($(compgen -f -- "$current")) ;;
    esac
}}
complete -o filenames -F _bantam bantam
)",
                       commands, values, commands, options);
}

}  // namespace bantam::frontend
