#include "plugin/commands.h"

namespace imagebuild::plugin {

Result<int> sizes_command(Session& session, const ReadFlags& flags) {
  const View view = TRY(fetch_view(session, flags.name));
  present(
      session, flags.format, [&] { return render_sizes(view, session.console.style); },
      [&] { return sizes_to_json(view); });
  return kDone;
}

Result<int> why_command(Session& session, const ReadFlags& flags) {
  const View view = TRY(fetch_view(session, flags.name));
  present(
      session, flags.format, [&] { return render_why(view, session.console.style); },
      [&] { return why_to_json(view); });
  return kDone;
}

Result<int> list_command(Session& session, const ListFlags& flags) {
  const std::vector<View> views = TRY(fetch_views(session, flags.all_namespaces));
  const ListOptions options{.with_namespace = flags.all_namespaces, .sort = flags.sort};
  present(
      session, flags.format, [&] { return render_list(views, options, session.console.style); },
      [&] { return list_to_json(views, options); });
  return kDone;
}

}  // namespace imagebuild::plugin
