// The image configuration: what a container of the image runs, and how the image came to be.
// https://github.com/opencontainers/image-spec/blob/main/config.md and Docker's additions
// (Healthcheck, OnBuild, Shell). Members this project does not know are kept as they are, so that
// taking over a base's config loses nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/oci/digest.h"
#include "common/oci/platform.h"

namespace imagebuild::oci {

inline constexpr std::size_t kMaxConfigBytes = 8u << 20;

/// Name → JSON text of members this project does not know.
using UnknownMembers = std::map<std::string, std::string>;

struct Healthcheck {
  std::vector<std::string> test;  ///< {"NONE"}, {"CMD", …}, {"CMD-SHELL", command}; empty inherits
  std::int64_t interval = 0;      ///< nanoseconds, 0 inherits; so the next three
  std::int64_t timeout = 0;
  std::int64_t start_period = 0;
  std::int64_t start_interval = 0;
  std::int64_t retries = 0;

  friend bool operator==(const Healthcheck&, const Healthcheck&) = default;
};

/// The `config` member.
struct ContainerConfig {
  std::string user;
  std::set<std::string> exposed_ports;  ///< "80/tcp"
  std::vector<std::string> env;         ///< "NAME=value", in order
  std::optional<std::vector<std::string>> entrypoint;
  std::optional<std::vector<std::string>> cmd;
  std::set<std::string> volumes;
  std::string working_dir;
  std::map<std::string, std::string> labels;
  std::string stop_signal;
  std::optional<Healthcheck> healthcheck;
  std::vector<std::string> on_build;
  std::vector<std::string> shell;
  UnknownMembers unknown;

  /// The value of an environment variable, or nullopt.
  std::optional<std::string> find_env(std::string_view name) const;
  /// Replaces the variable where it stands, or appends it.
  void set_env(std::string_view name, std::string_view value);

  friend bool operator==(const ContainerConfig&, const ContainerConfig&) = default;
};

struct History {
  std::string created;  ///< RFC 3339
  std::string created_by;
  std::string author;
  std::string comment;
  bool empty_layer = false;

  friend bool operator==(const History&, const History&) = default;
};

struct ImageConfig {
  std::string architecture;
  std::string os;
  std::string variant;
  std::string os_version;
  std::string created;  ///< RFC 3339, as it was written
  std::string author;
  ContainerConfig config;
  std::vector<History> history;
  std::vector<DiffId> diff_ids;  ///< rootfs.diff_ids, bottom first
  UnknownMembers unknown;

  /// InvalidInput: too large, not JSON, a member of the wrong type, a bad diff_id.
  static Result<ImageConfig> parse(std::string_view text);
  /// Deterministic: members of the document sorted by name, those of `config` in Docker's order.
  std::string serialise() const;

  Platform platform() const {
    return {.os = os, .architecture = architecture, .variant = variant, .os_version = os_version};
  }

  friend bool operator==(const ImageConfig&, const ImageConfig&) = default;
};

}  // namespace imagebuild::oci
