# shellcheck shell=bash
# Shared by ./run, ./check and .ci/run (sourced): installs what is missing with apt, and builds a preset.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# What building and running needs; what only checking needs.
build_packages=(g++ cmake ninja-build pkg-config git python3 libasmjit-dev libcapstone-dev zlib1g-dev libpng-dev libgtest-dev libfmt-dev
    libsdl2-dev libvncserver-dev libgnutls28-dev libspdlog-dev libcli11-dev libtomlplusplus-dev nlohmann-json3-dev libzydis-dev seabios)
check_packages=(clang clang-format clang-tidy libclang-rt-14-dev nasm acpica-tools groff-base dpkg-dev file
    e2fsprogs cpio xorriso grub-common grub-pc-bin mtools mmdebstrap arch-test
    novnc openssl chromium chromium-driver gvncviewer qemu-system-x86 gdb xvfb xdotool xclip openbox x11-utils libx11-6
    golang-go golang-github-digitalocean-go-qemu-dev python3-labgrid tesseract-ocr)

say() { printf '== %s\n' "$*" >&2; }

installed() { dpkg-query -W -f '${Status}\n' "$1" 2>/dev/null | grep -q '^install ok installed$'; }

install_packages() { # PACKAGE...
    local missing=() package
    for package in "$@"; do installed "$package" || missing+=("$package"); done
    [ ${#missing[@]} -eq 0 ] && return
    local sudo=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || {
            say "missing Debian packages: ${missing[*]}; install them as root with: apt-get install ${missing[*]}"
            exit 66
        }
        sudo=(sudo)
    fi
    say "installing ${missing[*]}"
    "${sudo[@]}" apt-get -qq update >&2 || say "not every package list came; going on with those that did"
    DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get -qq install -y --no-install-recommends "${missing[@]}" >&2 || {
        say "apt-get install ${missing[*]} failed: Bantam is built on Debian 12 (bookworm)"
        exit 66
    }
}

# Configures PRESET and builds TARGETs (default: all) into build/PRESET; prints only what went wrong unless BANTAM_VERBOSE is set.
build_preset() { # PRESET [TARGET...]
    local preset=$1 log
    shift
    mkdir -p "$root/build"
    log=$root/build/$preset.log
    # Paths relative to the tree let ccache share objects between work trees.
    export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
    if ! (cd "$root" && cmake --preset "$preset" && cmake --build --preset "$preset" -j "$(nproc)" ${1:+--target "$@"}) >"$log" 2>&1; then
        grep -nE 'error|FAILED|Error' "$log" | head -40 >&2
        say "building the preset $preset failed; all of it is in $log"
        return 1
    fi
    [ -z "${BANTAM_VERBOSE:-}" ] || cat "$log" >&2
}
