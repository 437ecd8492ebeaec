#include "frontend/remote/vnc_password.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "frontend/files.h"
#include "frontend/remote/vnc_library.h"

namespace bantam::frontend {

Result<std::string> read_vnc_password(const std::string& path) {
    const auto bad = [&](std::string_view cause) {
        return Error{ExitStatus::bad_input, fmt::format("--vnc-password {}: {}", shown_name(path), cause)};
    };
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return bad(std::strerror(errno));
    struct stat about {};
    std::array<char, 256> bytes{};
    const bool known = ::fstat(fd, &about) == 0;
    const ssize_t got = known && S_ISREG(about.st_mode) ? ::read(fd, bytes.data(), bytes.size()) : 0;
    ::close(fd);
    if (!known || !S_ISREG(about.st_mode)) return bad("it is no regular file");
    if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return bad("others than its owner have access to it; say chmod 600 to it");
    if (got < 0) return bad(std::strerror(errno));
    const std::string_view text(bytes.data(), static_cast<std::size_t>(got));
    std::string password(text.substr(0, text.find_first_of("\r\n")));
    if (password.empty()) return bad("its first line, which is the password, is empty");
    if (password.size() > kMostVncPassword)
        return bad(fmt::format("its first line, which is the password, has more than {} bytes, and VNC knows no more",
                               kMostVncPassword));
    if (password.find('\0') != password.npos) return bad("its first line, which is the password, is no text");
    return password;
}

}  // namespace bantam::frontend
