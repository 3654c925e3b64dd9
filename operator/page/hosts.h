// By which names the page may be asked. It has no authentication of its own, and at the end of a
// port-forward it listens on the loopback of somebody's machine: a web site that lets its own name
// resolve to 127.0.0.1 must not read it through that person's browser.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace imagebuild::page {

class AllowedHosts {
 public:
  /// `names` as in a Host header, without a port. Empty: any name, unless `address` ("HOST:PORT"
  /// to listen on) is a loopback address; localhost and the loopback addresses always are allowed.
  AllowedHosts(std::string_view address, std::vector<std::string> names);

  /// `host`: the Host header, with or without a port.
  bool allow(std::string_view host) const;

 private:
  std::vector<std::string> names_;
  bool any_;
};

}  // namespace imagebuild::page
