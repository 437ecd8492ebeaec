// NovncPage: noVNC (https://novnc.com), a VNC viewer that runs in a browser, served from the folder where it is
// installed.
#pragma once

#include <string>

#include "base/result.h"
#include "frontend/remote/http_request.h"

namespace bantam::frontend {

class NovncPage {
public:
    /// noVNC in `folder`; empty: where the distribution's package has it. Errors: host_resource (it is not there).
    static Result<NovncPage> find(const std::string& folder);

    /// The whole answer to a request for a file, after which the connection ends.
    [[nodiscard]] std::string answer(const HttpRequest& request) const;

private:
    explicit NovncPage(std::string folder) : folder_(std::move(folder)) {}
    std::string folder_;
};

/// An answer without a page: "403 Forbidden" and a sentence.
std::string http_refusal(std::string_view status, std::string_view sentence);

/// Where noVNC connects to.
constexpr std::string_view kWebSocketPath = "/websockify";

}  // namespace bantam::frontend
