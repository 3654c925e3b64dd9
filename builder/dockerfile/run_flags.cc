// --mount: a table of its keys, then the rules between them. See run_flags.h.
#include "builder/dockerfile/run_flags.h"

#include <map>
#include <optional>

#include "builder/dockerfile/flags.h"
#include "builder/dockerfile/text.h"

namespace imagebuild::dockerfile {

namespace {

const std::vector<std::string> kTypes{"bind", "cache", "tmpfs", "secret", "ssh"};
const std::vector<std::string> kSharings{"shared", "private", "locked"};
const std::vector<std::string> kKeys{"type", "from",        "source",   "src",      "target",
                                     "dst",  "destination", "readonly", "ro",       "readwrite",
                                     "rw",   "id",          "sharing",  "required", "size",
                                     "mode", "uid",         "gid",      "env"};

Error invalid(std::string message) { return fail(ErrorKind::InvalidInput, std::move(message)); }

Error wrong_value(std::string_view key, std::string_view value, std::string_view expected) {
  return invalid(std::string(key) + ": expected " + std::string(expected) + ", found " +
                 in_quotes(value));
}

std::optional<std::size_t> index_of(std::string_view word,
                                    const std::vector<std::string>& options) {
  for (std::size_t i = 0; i < options.size(); ++i) {
    if (options[i] == word) return i;
  }
  return std::nullopt;
}

class MountParser {
 public:
  explicit MountParser(const ValueExpander& expander) : expander_(expander) {}

  Result<Mount> run(const std::string& text) {
    mount_.text = text;
    for (const std::string& field : TRY(split_csv(text))) TRY(take(field));
    // With values still unknown, the rules between the keys wait, too.
    if (!deferred_) TRY(check());
    return std::move(mount_);
  }

 private:
  Result<void> take(const std::string& field) {
    Cut pair = cut(field, '=');
    std::string key = lower(pair.before);
    std::string value(pair.after);
    if (!index_of(key, kKeys))
      return invalid("unknown key " + in_quotes(key) + did_you_mean(key, kKeys));
    if (!pair.found) {
      bool flag = key == "ro" || key == "readonly" || key == "rw" || key == "readwrite" ||
                  key == "required";
      if (!flag) return invalid(key + " needs a value (" + key + "=…)");
      value = "true";
    } else if (expander_) {
      value = TRY(expander_(value));
    } else if (value.find('$') != std::string::npos) {
      if (key == "from")
        return invalid(
            "from cannot hold variables (give the image a stage of its own: FROM … AS name)");
      deferred_ = true;
      return {};
    }
    return set(key, value);
  }

  Result<void> set(const std::string& key, const std::string& value) {
    if (key == "type") {
      auto type = index_of(lower(value), kTypes);
      if (!type)
        return invalid("unsupported mount type " + in_quotes(value) + did_you_mean(value, kTypes) +
                       " (expected bind, cache, tmpfs, secret or ssh)");
      mount_.type = static_cast<Mount::Type>(*type);
    } else if (key == "from") {
      mount_.from = value;
    } else if (key == "source" || key == "src") {
      mount_.source = value;
    } else if (key == "target" || key == "dst" || key == "destination") {
      mount_.target = value;
    } else if (key == "id") {
      mount_.id = value;
    } else if (key == "env") {
      mount_.env = value;
      has_env_ = true;
    } else if (key == "sharing") {
      auto sharing = index_of(lower(value), kSharings);
      if (!sharing)
        return invalid("unsupported sharing " + in_quotes(value) + did_you_mean(value, kSharings) +
                       " (expected shared, private or locked)");
      mount_.sharing = static_cast<Mount::Sharing>(*sharing);
      has_sharing_ = true;
    } else {
      return set_number(key, value);
    }
    return {};
  }

  Result<void> set_number(const std::string& key, const std::string& value) {
    if (key == "size") {
      auto size = parse_ram_bytes(value);
      if (!size) return wrong_value(key, value, "bytes (64m, 1g)");
      mount_.size = *size;
      has_size_ = true;
    } else if (key == "mode") {
      mount_.mode = parse_u32(value, 8);
      if (!mount_.mode) return wrong_value(key, value, "an octal number");
    } else if (key == "uid" || key == "gid") {
      auto id = parse_u32(value, 10);
      if (!id) return wrong_value(key, value, "a number");
      (key == "uid" ? mount_.uid : mount_.gid) = *id;
    } else {
      auto flag = parse_bool(value);
      if (!flag) return wrong_value(key, value, "true or false");
      if (key == "required") {
        mount_.required = *flag;
        has_required_ = true;
      } else {
        mount_.read_only = (key == "ro" || key == "readonly") == *flag;
        has_read_only_ = true;
      }
    }
    return {};
  }

  Result<void> check() {
    const Mount::Type type = mount_.type;
    const std::string& name = kTypes[static_cast<std::size_t>(type)];
    bool secret = type == Mount::Type::Secret;
    bool ssh = type == Mount::Type::Ssh;
    bool cache = type == Mount::Type::Cache;
    bool tmpfs = type == Mount::Type::Tmpfs;
    struct Rule {
      bool given, allowed;
      const char* key;
    };
    for (const Rule& rule :
         {Rule{mount_.mode.has_value(), secret || ssh || cache, "mode"},
          Rule{mount_.uid.has_value(), secret || ssh || cache, "uid"},
          Rule{mount_.gid.has_value(), secret || ssh || cache, "gid"},
          Rule{has_size_, tmpfs, "size"}, Rule{has_required_, secret || ssh, "required"},
          Rule{has_sharing_, cache, "sharing"}, Rule{has_env_, secret, "env"},
          Rule{!mount_.from.empty(), !secret && !ssh && !tmpfs, "from"}}) {
      if (rule.given && !rule.allowed)
        return invalid(std::string(rule.key) + " is not allowed for mounts of type " + name);
    }
    if (!has_read_only_) mount_.read_only = !cache && !tmpfs;
    if (secret) {
      if (mount_.source.empty() && mount_.target.empty() && mount_.id.empty())
        return invalid("a secret mount needs id, source or target");
      if (!mount_.source.empty() && !mount_.id.empty())
        return invalid("a secret mount takes id or source, not both");
    } else if (!ssh && mount_.target.empty()) {
      return invalid("a mount of type " + name + " needs a target");
    }
    return {};
  }

  const ValueExpander& expander_;
  Mount mount_;
  bool deferred_ = false;
  bool has_env_ = false, has_sharing_ = false, has_size_ = false, has_required_ = false,
       has_read_only_ = false;
};

}  // namespace

Result<Mount> parse_mount(const std::string& text, const ValueExpander& expander) {
  return MountParser(expander).run(text).context("--mount=" + text);
}

Result<Device> parse_device(const std::string& text) {
  Device device;
  for (const std::string& field : TRY_CONTEXT(split_csv(text), "--device")) {
    Cut pair = cut(field, '=');
    std::string key = lower(pair.before);
    if (key == "required") {
      auto flag = pair.found ? parse_bool(pair.after) : std::optional(true);
      if (!flag) return wrong_value("--device: required", pair.after, "true or false");
      device.required = *flag;
    } else if (key == "name" && pair.found) {
      if (!device.name.empty())
        return invalid("--device: the name is already " + in_quotes(device.name));
      device.name = pair.after;
    } else if (device.name.empty()) {
      device.name = field;  // "vendor.com/class=device"
    } else {
      return invalid("--device: unknown key " + in_quotes(field) +
                     did_you_mean(key, {"name", "required"}));
    }
  }
  if (device.name.empty()) return invalid("--device needs a name");
  return device;
}

}  // namespace imagebuild::dockerfile
