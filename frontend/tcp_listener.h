// Listening TCP sockets, on this host's own addresses unless their users are asked who they are.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/types.h"

namespace bantam::frontend {

struct ListenPlace {
    std::string scheme;  // in messages, before the address: "tcp"
    std::string host;    // name or address
    u16 port = 0;        // 0: any that is free
    /// What to do instead of listening on an address that others reach; empty: they may.
    std::string_view remedy = {};
};

/// A socket that listens at `place`, non-blocking. Errors: host_resource (the address or port cannot be had), usage (an
/// address that is not this host's own, and there is a remedy).
Result<int> listen_tcp(const ListenPlace& place);

/// The port that a listening socket has.
u16 port_of(int listener);

/// HOST:PORT, an IPv6 address in brackets.
std::string address_text(const std::string& host, u16 port);

}  // namespace bantam::frontend
