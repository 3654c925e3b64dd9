// What the reading commands print: views in, text for people or JSON for programs out. Pure, so
// golden files test every column.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/json.h"
#include "plugin/text.h"
#include "plugin/view.h"

namespace imagebuild::plugin {

std::string render_sizes(const View& view, const Style& style);
Json sizes_to_json(const View& view);

struct ListOptions {
  bool with_namespace = false;
  std::string sort = "name";  ///< name, size, delta or baseline; all but name: largest first
};
std::string render_list(std::vector<View> views, const ListOptions& options, const Style& style);
Json list_to_json(std::vector<View> views, const ListOptions& options);

std::string render_why(const View& view, const Style& style);
Json why_to_json(const View& view);

// Parts that several of them and the diff share.

/// "+41.3 MiB", red when positive and green when negative.
std::string paint_delta(const Style& style, std::int64_t bytes, std::string text);
/// "+1.7%" of `before`; "" when that is zero.
std::string percent(std::int64_t difference, std::uint64_t before);
/// "RUN npm ci" of what image histories say: "/bin/sh -c npm ci", "RUN /bin/sh -c … # buildkit".
std::string instruction(std::string_view created_by);
/// "web in shop: registry.example.com/web:1.2".
std::string title(const View& view, const Style& style);
/// "  size       182.4 MiB": a line of the head of a page.
std::string fact(const Style& style, std::string_view name, std::string_view text);
/// "web -n shop", as commands name it.
std::string arguments_of(const View& view);

}  // namespace imagebuild::plugin
