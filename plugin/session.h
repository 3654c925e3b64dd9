// Session: what every command gets: the API server, the namespace, and where to write. A command is
// a function of its flags and a session that returns the exit status, or an error whose message
// says what to do.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/json.h"
#include "common/base/result.h"
#include "common/kube/client.h"
#include "plugin/text.h"
#include "plugin/view.h"

namespace imagebuild::plugin {

/// Results go to `out`, what is being done to `note`.
struct Console {
  std::function<void(std::string_view)> out;
  std::function<void(std::string_view)> note;
  Style style;            ///< of `out`
  bool progress = false;  ///< `note` is a terminal: bars that redraw themselves are welcome

  /// stdout and stderr of this process; colour on terminals only, and not with NO_COLOR.
  static Console of_process();
};

struct ConnectionFlags {
  std::string kubeconfig, context, name_space;
};

enum class Format { Table, Json, Yaml };

struct Session {
  std::unique_ptr<kube::Client> client;
  kube::ClientConfig config;
  std::string name_space;
  Console console;
  Duration poll{1000};  ///< between two looks at something that changes

  static Result<Session> connect(const ConnectionFlags& flags, Console console);
};

/// The object as the API server has it. NotFound says what there is instead.
Result<Json> fetch_object(Session& session, const std::string& name);
Result<View> fetch_view(Session& session, const std::string& name);
/// Every ImageBuild of the namespace, or of all.
Result<std::vector<View>> fetch_views(Session& session, bool all_namespaces);

/// Writes one of the two, by format; `text` is only called for Table.
void present(const Session& session, Format format, const std::function<std::string()>& text,
             const std::function<Json()>& json);

}  // namespace imagebuild::plugin
