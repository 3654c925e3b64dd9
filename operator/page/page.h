// The page: a read-only view of every ImageBuild in a browser, as a handler for common/http's
// server. The files of web/ and two JSON documents, made from the informer's cache:
//
//   /                             the page; every file it uses stands beside it
//   /api/v1/imagebuilds           {total, items: [summary…]}, the largest images first
//   /api/v1/imagebuilds/NS/NAME   one of them (projection.h says what is in it)
//
// Every answer forbids the browser whatever the page does not need: other origins, inline scripts
// and styles, frames. There are no cookies and nothing to log in to; docs/guides/page.md says how
// to put the page behind something that has.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/api/status.h"
#include "common/base/clock.h"
#include "common/http/server.h"
#include "operator/page/hosts.h"

namespace imagebuild::page {

/// Where the ImageBuilds come from. Called from several threads at once.
struct Sources {
  std::function<bool()> synced;  ///< false: not all of them are known yet
  std::function<void(const std::function<void(const api::ImageBuild&)>& visit)> each;
  // Shared with the informer, which may drop the object meanwhile.
  std::function<std::shared_ptr<const api::ImageBuild>(const std::string& name_space,
                                                       const std::string& name)>
      find;
};

/// Rows in the list; of more, the largest images.
inline constexpr std::size_t kMostRows = 5000;

/// The list is made at most once a second, however many ask; `clock` has to outlive the handler.
http::Server::Handler make_page(Sources sources, AllowedHosts hosts, const Clock& clock);

}  // namespace imagebuild::page
