// What COPY and ADD share. Internal to the executor.
#pragma once

#include <string>
#include <variant>

#include "builder/context/context.h"
#include "builder/context/download.h"
#include "builder/dockerfile/instruction.h"
#include "builder/layer/copy.h"

namespace imagebuild::executor {

/// Is the layer to be independent of what is below it (--link)?
bool is_linked(const dockerfile::CopySpec& spec);

/// A repository that ADD named, checked out.
struct GitTree {
  context::GitCheckout checkout;
  bool commit_mtime = false;
};
/// One source of ADD: a path or pattern of the context, or what was fetched.
using AddSource = std::variant<std::string, context::Download, GitTree>;

/// After the first of several sources the destination is a directory that exists.
void destination_is_there(CopyDestination& to);

}  // namespace imagebuild::executor
