// A VNC viewer for vnc_test.py, by LibVNCClient: what standard input says is done, what happens is told on standard
// output. vnc_client HOST PORT ENCODINGS [PASSWORD]; commands: "key KEYSYM 0|1", "scan KEYSYM CODE 0|1", "pointer X Y
// MASK", "picture FILE" (rows of RGB bytes), "updates".
#include <poll.h>
#include <rfb/rfbclient.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>

namespace {

unsigned updates = 0;
std::string password;

rfbBool take_size(rfbClient* client) {
    std::free(client->frameBuffer);
    client->frameBuffer = static_cast<uint8_t*>(
        std::calloc(static_cast<std::size_t>(client->width) * static_cast<std::size_t>(client->height), 4));
    std::cout << "size " << client->width << ' ' << client->height << std::endl;
    return TRUE;
}

void write_picture(const rfbClient* client, const std::string& path) {
    std::ofstream file(path, std::ios::binary);
    const std::size_t dots = static_cast<std::size_t>(client->width) * static_cast<std::size_t>(client->height);
    for (std::size_t at = 0; at < dots; ++at)
        file.write(reinterpret_cast<const char*>(client->frameBuffer + 4 * at), 3);  // memory: R, G, B, unused
    file.close();
    std::cout << "picture " << client->width << ' ' << client->height << std::endl;
}

void obey(rfbClient* client, const std::string& line) {
    std::istringstream words(line);
    std::string command, path;
    words >> command;
    std::array<uint32_t, 3> numbers{};
    if (command == "picture") {
        words >> path;
        return write_picture(client, path);
    }
    for (uint32_t& number : numbers) words >> std::setbase(0) >> number;
    if (command == "key") SendKeyEvent(client, numbers[0], numbers[1] != 0 ? TRUE : FALSE);
    if (command == "scan" &&
        SendExtendedKeyEvent(client, numbers[0], numbers[1], numbers[2] != 0 ? TRUE : FALSE) == FALSE)
        std::cout << "no scan codes" << std::endl;
    if (command == "pointer")
        SendPointerEvent(client, static_cast<int>(numbers[0]), static_cast<int>(numbers[1]),
                         static_cast<int>(numbers[2]));
    if (command == "updates") std::cout << "updates " << updates << std::endl;
}

}  // namespace

int main(int count, char** arguments) {
    if (count < 4) return 64;
    if (count > 4) password = arguments[4];
    rfbEnableClientLogging = FALSE;
    rfbClient* client = rfbGetClient(8, 3, 4);
    std::free(client->serverHost);
    client->serverHost = strdup(arguments[1]);
    client->serverPort = std::atoi(arguments[2]);
    client->appData.encodingsString = arguments[3];
    client->appData.enableJPEG = FALSE;
    client->appData.useRemoteCursor = TRUE;
    client->canHandleNewFBSize = TRUE;
    client->MallocFrameBuffer = take_size;
    client->GetPassword = [](rfbClient*) { return strdup(password.c_str()); };
    client->GotCursorShape = [](rfbClient*, int, int, int width, int height, int) {
        std::cout << "cursor " << width << ' ' << height << std::endl;
    };
    client->FinishedFrameBufferUpdate = [](rfbClient*) { ++updates; };
    if (rfbInitClient(client, nullptr, nullptr) == FALSE) {
        std::cout << "refused" << std::endl;
        return 1;
    }
    std::cout << "connected" << std::endl;
    std::string waiting;
    while (true) {
        std::array<pollfd, 2> fds{pollfd{STDIN_FILENO, POLLIN, 0}, pollfd{client->sock, POLLIN, 0}};
        // What the library has read already it does not wait for.
        if (client->buffered == 0 && ::poll(fds.data(), fds.size(), -1) < 0) continue;
        if ((fds[1].revents != 0 || client->buffered != 0) && HandleRFBServerMessage(client) == FALSE) {
            std::cout << "parted" << std::endl;
            return 0;
        }
        if (fds[0].revents == 0) continue;
        std::array<char, 4096> bytes{};
        const ssize_t got = ::read(STDIN_FILENO, bytes.data(), bytes.size());
        if (got <= 0) return 0;
        waiting.append(bytes.data(), static_cast<std::size_t>(got));
        for (std::size_t end = 0; (end = waiting.find('\n')) != std::string::npos; waiting.erase(0, end + 1))
            obey(client, waiting.substr(0, end));
    }
}
