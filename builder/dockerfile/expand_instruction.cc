// Which arguments of which instruction are expanded, and how: see expand_instruction() in expand.h.
#include "builder/dockerfile/expand.h"
#include "builder/dockerfile/run_flags.h"
#include "builder/dockerfile/signals.h"

namespace imagebuild::dockerfile {

namespace {

class InstructionExpander {
 public:
  InstructionExpander(const VariableLookup& lookup, char escape, VariableUse* use)
      : lookup_(lookup), escape_(escape), use_(use) {}

  Result<void> operator()(Env& env) { return pairs(env.variables); }
  Result<void> operator()(Label& label) { return pairs(label.labels); }
  Result<void> operator()(Copy& copy) { return copy_spec(copy); }
  Result<void> operator()(Add& add) {
    TRY(text(add.checksum));
    return copy_spec(add);
  }
  Result<void> operator()(Workdir& workdir) { return text(workdir.path); }
  Result<void> operator()(User& user) { return text(user.user); }
  Result<void> operator()(StopSignal& signal) {
    TRY(text(signal.signal));
    return check_signal(signal.signal);
  }
  Result<void> operator()(Volume& volume) { return texts(volume.paths); }
  Result<void> operator()(Expose& expose) {
    std::vector<std::string> ports;
    for (const std::string& port : expose.ports) {
      for (std::string& word : TRY(expand_words(port, lookup_, {.escape = escape_}, use_)))
        ports.push_back(std::move(word));
    }
    expose.ports = std::move(ports);
    return {};
  }
  Result<void> operator()(Run& run) {
    ValueExpander expander = [this](std::string_view value) {
      return expand(value, lookup_, {.escape = escape_}, use_);
    };
    for (Mount& mount : run.mounts) mount = TRY(parse_mount(mount.text, expander));
    return {};
  }
  /// Commands are the shell's; FROM is the plan's, ARG its scope's (which knows whether a default
  /// is needed); a trigger is expanded where it runs.
  template <typename Other>
  Result<void> operator()(Other&) {
    return {};
  }

 private:
  Result<void> text(std::string& value) {
    value = TRY(expand(value, lookup_, {.escape = escape_}, use_));
    return {};
  }
  Result<void> texts(std::vector<std::string>& values) {
    for (std::string& value : values) TRY(text(value));
    return {};
  }
  Result<void> pairs(std::vector<KeyValue>& values) {
    for (KeyValue& pair : values) {
      TRY(text(pair.key));
      TRY(text(pair.value));
    }
    return {};
  }
  Result<void> copy_spec(CopySpec& spec) {
    TRY(text(spec.chown));
    TRY(text(spec.chmod));
    TRY(texts(spec.sources));
    TRY(text(spec.destination));
    for (InlineFile& file : spec.files) {
      // A body keeps its quotes: it is a file, not a word. Its escape is always the backslash,
      // whatever the directive says (BuildKit).
      std::string body = file.body.text();
      file.body.chomp = false;
      if (file.body.expand) body = TRY(expand(body, lookup_, {.keep_quotes = true}, use_));
      file.body.expand = false;
      file.body.content = std::move(body);
    }
    return {};
  }

  const VariableLookup& lookup_;
  const char escape_;
  VariableUse* const use_;
};

}  // namespace

Result<Instruction> expand_instruction(const Instruction& instruction, const VariableLookup& lookup,
                                       char escape, VariableUse* use) {
  Instruction expanded = instruction;
  InstructionExpander expander(lookup, escape, use);
  TRY(std::visit([&](auto& value) { return expander(value); }, expanded.value));
  return expanded;
}

}  // namespace imagebuild::dockerfile
