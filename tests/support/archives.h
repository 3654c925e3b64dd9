// For the tests of archive and layer: archives in memory, and raw headers that no writer would
// make.
#pragma once

#include <cstdio>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "common/archive/tar.h"
#include "tests/support/catch.h"

namespace imagebuild::testing {

using Entries = std::vector<std::pair<TarEntry, std::string>>;

inline std::string write_tar(const Entries& entries) {
  std::string bytes;
  TarWriter writer([&](std::string_view part) -> Result<void> {
    bytes += part;
    return {};
  });
  for (const auto& [entry, content] : entries) {
    TarEntry sized = entry;
    if (entry.type == EntryType::Regular) sized.size = content.size();
    REQUIRE(writer.begin(sized).ok());
    REQUIRE(writer.write(content).ok());
  }
  REQUIRE(writer.finish().ok());
  return bytes;
}

inline Result<Entries> read_tar(std::string_view bytes, TarLimits limits = {}) {
  TarReader reader(source_from_bytes(bytes), limits);
  Entries entries;
  for (;;) {
    auto entry = TRY(reader.next());
    if (!entry) return entries;
    std::string content;
    for (;;) {
      auto part = TRY(reader.read());
      if (part.empty()) break;
      content += part;
    }
    entries.emplace_back(std::move(*entry), std::move(content));
  }
}

/// A 512-byte header of `type` with a correct checksum.
inline std::string raw_header(std::string_view name, std::uint64_t size, char type,
                              std::string_view link = "",
                              std::string_view magic = std::string_view("ustar\0"
                                                                        "00",
                                                                        8)) {
  std::string header(512, '\0');
  auto put = [&](std::size_t at, std::string_view text) { header.replace(at, text.size(), text); };
  auto octal = [&](std::size_t at, int digits, std::uint64_t value) {
    char text[32];
    std::snprintf(text, sizeof text, "%0*llo", digits, static_cast<unsigned long long>(value));
    put(at, text);
  };
  put(0, name.substr(0, 100));
  octal(100, 7, 0644);
  octal(108, 7, 0);
  octal(116, 7, 0);
  octal(124, 11, size);
  octal(136, 11, 0);
  put(148, "        ");
  header[156] = type;
  put(157, link);
  put(257, magic);
  unsigned sum = 0;
  for (unsigned char c : header) sum += c;
  octal(148, 6, sum);
  header[154] = '\0';
  return header;
}

inline std::string padded(std::string bytes) {
  bytes.resize((bytes.size() + 511) / 512 * 512, '\0');
  return bytes;
}

/// One record of a PAX extended header.
inline std::string pax_record(std::string_view key, std::string_view value) {
  std::string rest = " " + std::string(key) + "=" + std::string(value) + "\n";
  std::size_t length = rest.size() + 1;
  while (std::to_string(length).size() + rest.size() != length) ++length;
  return std::to_string(length) + rest;
}

inline std::string pax_header(const std::string& records) {
  return raw_header("PaxHeaders/x", records.size(), 'x') + padded(records);
}

inline std::string end_of_archive() { return std::string(1024, '\0'); }

}  // namespace imagebuild::testing
