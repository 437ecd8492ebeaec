// `bantam doctor`: what the host offers (CPU features, KVM, display, firmware, memory, limits), and what follows from
// each point for Bantam. Reads /proc, tries /dev/kvm, changes nothing.
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/kvm.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "cpu/model.h"
#include "frontend/commands.h"
#include "frontend/values.h"
#include "mmu/windows.h"

namespace bantam::frontend {
namespace {

void report(std::string_view what, std::string_view found, std::string_view meaning) {
    fmt::print("{:<12} {}\n{:<12} {}\n", what, found, "", meaning);
}

/// The value of the first line of /proc/cpuinfo or /proc/meminfo that starts with `key`.
std::string proc_value(const char* path, std::string_view key) {
    std::ifstream file(path);
    std::string line;
    while (std::getline(file, line)) {
        const std::size_t colon = line.find(':');
        if (!line.starts_with(key) || colon == std::string::npos) continue;
        const std::size_t start = line.find_first_not_of(" \t", colon + 1);
        return start == std::string::npos ? std::string{} : line.substr(start);
    }
    return {};
}

void report_cpu() {
    report("CPU", proc_value("/proc/cpuinfo", "model name"),
           "Guest floating-point and vector code runs on it directly.");
    std::set<std::string> flags;
    std::istringstream words(proc_value("/proc/cpuinfo", "flags"));
    for (std::string word; words >> word;) flags.insert(word);
    struct Wanted {
        const char* flag;
        const char* meaning;
    };
    constexpr std::array kWanted{
        Wanted{"sse4_2", "guests up to x86-64-v2"},
        Wanted{"avx2", "AVX and AVX2 in guests (x86-64-v3)"},
        Wanted{"fma", "FMA in guests (x86-64-v3)"},
        Wanted{"bmi2", "the translator; without it guests run interpreted, several times slower"},
        Wanted{"aes", "AES instructions in guests"},
        Wanted{"sha_ni", "SHA instructions in guests of --cpu host"},
    };
    for (const Wanted& wanted : kWanted) {
        fmt::print("{:<12} {:<9} {:<4} {}\n", "", wanted.flag, flags.count(wanted.flag) != 0 ? "yes" : "no",
                   wanted.meaning);
    }
    constexpr unsigned long kHwcap2Fsgsbase = 2;
    const bool fsgsbase = (::getauxval(AT_HWCAP2) & kHwcap2Fsgsbase) != 0;
    fmt::print("{:<12} {:<9} {:<4} {}\n", "", "fsgsbase", fsgsbase ? "yes" : "no",
               "programs may set the GS base without the kernel; else translated code begins a little slower, or looks "
               "up its stack");
    fmt::print("{:<12}", "CPU models");
    std::string missing;
    for (const std::string& name : Model::names()) {
        const Result<Model> model = Model::find(name);
        if (model) {
            fmt::print(" {}", name);
        } else {
            missing += fmt::format("{:<12} {} cannot run here: {}\n", "", name, model.error().message);
        }
    }
    fmt::print("\n{}", missing);
}

void report_kvm() {
    const int fd = ::open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        report("KVM", fmt::format("not usable: /dev/kvm: {}", std::strerror(errno)),
               "Nothing is lost: this release does not use KVM.");
        return;
    }
    const int version = ::ioctl(fd, KVM_GET_API_VERSION, 0);
    ::close(fd);
    report("KVM", fmt::format("usable, API version {}", version), "Nothing follows: this release does not use KVM.");
}

void report_display() {
    const char* wayland = std::getenv("WAYLAND_DISPLAY");
    const char* x11 = std::getenv("DISPLAY");
    const std::string found = wayland != nullptr ? fmt::format("Wayland ({})", wayland)
                              : x11 != nullptr   ? fmt::format("X11 ({})", x11)
                                                 : std::string("none");
    report("Display", found,
           x11 != nullptr || wayland != nullptr
               ? "Machines open a window (--display sdl); --headless runs them without."
               : "Machines run headless; --display vnc and web show the screen elsewhere.");
}

void report_firmware() {
    constexpr std::array kPlaces{"/usr/share/seabios/bios-256k.bin", "/usr/share/seabios/bios.bin",
                                 "/usr/share/seabios/vgabios-stdvga.bin"};
    std::string found;
    for (const char* place : kPlaces) {
        if (::access(place, R_OK) == 0) found += (found.empty() ? "" : ", ") + std::string(place);
    }
    if (found.empty()) {
        report("Firmware", "SeaBIOS not found",
               "--kernel works without it; install Debian's package seabios to start from firmware.");
    } else {
        report("Firmware", found, "For machines without --kernel.");
    }
}

void report_memory() {
    const std::string available = proc_value("/proc/meminfo", "MemAvailable");
    report("Memory", fmt::format("{} available", available),
           "A guest needs its --memory and about 48 MiB more, with the translator up to 112 MiB.");
    std::ifstream file("/proc/sys/vm/max_map_count");
    u64 mappings = 0;
    file >> mappings;
    report("Mappings", fmt::format("vm.max_map_count is {}", mappings),
           fmt::format("A translated guest has at most {} pieces of memory in windows at once; with fewer it is "
                       "slower, never wrong.",
                       std::min<u64>(mappings / 4, Windows::kMostPieces)));
}

}  // namespace

int run_doctor() {
    report_cpu();
    report_kvm();
    report_display();
    report_firmware();
    report_memory();
    return static_cast<int>(ExitStatus::ok);
}

}  // namespace bantam::frontend
