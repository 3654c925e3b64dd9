// One GET for the server's advertisement and, with protocol v2, one POST that asks for the refs
// we want. Servers that know only v0 and v1 list every ref in the advertisement. See
// gitprotocol-http and gitprotocol-v2.
#include "common/git/ls_refs.h"

#include <algorithm>
#include <vector>

#include "common/git/pkt_line.h"

namespace imagebuild::git {

namespace {

constexpr std::size_t kMaxAnswer = 32u << 20;
constexpr int kMaxRedirects = 5;
constexpr std::string_view kInfoRefs = "/info/refs?service=git-upload-pack";

struct Ref {
  std::string object, peeled, name, symref;
};

struct Advertisement {
  bool v2 = false;
  bool sha256 = false;
  std::vector<Ref> refs;  ///< v0 and v1
};

/// 169.254.0.0/16 and fe80::/10: the metadata services of clouds answer there.
bool link_local(const std::string& host) {
  std::string lower = host;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  bool ipv6 = lower.find(':') != std::string::npos;
  if (ipv6)
    return lower.starts_with("fe8") || lower.starts_with("fe9") || lower.starts_with("fea") ||
           lower.starts_with("feb") || lower.find("169.254.") != std::string::npos;
  return lower.starts_with("169.254.");
}

Error status_error(int status) {
  std::string message = "the server answered " + std::to_string(status);
  if (status == 401 || status == 403)
    return fail(ErrorKind::Denied, message + " (credentials are missing, wrong or not enough)");
  if (status == 404 || status == 410)
    return fail(ErrorKind::NotFound, message + " (no such repository, or no right to see it)");
  if (status == 429 || status >= 500) return fail(ErrorKind::Transient, std::move(message));
  return fail(ErrorKind::InvalidInput, std::move(message));
}

class Session {
 public:
  Session(http::Transport& transport, std::string base, std::optional<Credentials> credentials,
          std::stop_token stop)
      : transport_(transport),
        base_(std::move(base)),
        credentials_(std::move(credentials)),
        stop_(std::move(stop)) {
    while (base_.ends_with("/")) base_.pop_back();
  }

  Result<Advertisement> advertisement() {
    for (int hop = 0; hop <= kMaxRedirects; ++hop) {
      http::Url url = TRY(http::parse_url(base_));
      if (link_local(url.host))
        return fail(ErrorKind::InvalidInput, "the address " + url.host + " is link-local");
      http::Request request{.url = base_ + std::string(kInfoRefs),
                            .headers = {{"Git-Protocol", "version=2"}, {"Accept", "*/*"}},
                            .max_body = kMaxAnswer};
      http::Response response = TRY(send(std::move(request)));
      if (response.status >= 300 && response.status < 400) {
        TRY(follow(url, response));
        continue;
      }
      if (!response.ok()) return status_error(response.status);
      std::string type = response.headers.find("Content-Type").value_or("");
      if (type.substr(0, type.find(';')) != "application/x-git-upload-pack-advertisement") {
        return fail(ErrorKind::InvalidInput,
                    "the address answers, but not as a git server (Content-Type \"" +
                        type.substr(0, 100) + "\")");
      }
      return parse_advertisement(response.body);
    }
    return fail(ErrorKind::InvalidInput, "more than 5 redirects");
  }

  Result<std::vector<Ref>> ls_refs(const std::vector<std::string>& prefixes, bool sha256) {
    std::string body = packet("command=ls-refs\n") + packet("agent=imagebuild\n");
    if (sha256) body += packet("object-format=sha256\n");
    body += kDelimiterPacket;
    body += packet("peel\n") + packet("symrefs\n");
    for (const std::string& prefix : prefixes) body += packet("ref-prefix " + prefix + "\n");
    body += kFlushPacket;
    http::Request request{.method = "POST",
                          .url = base_ + "/git-upload-pack",
                          .headers = {{"Git-Protocol", "version=2"},
                                      {"Content-Type", "application/x-git-upload-pack-request"},
                                      {"Accept", "application/x-git-upload-pack-result"}},
                          .body = std::move(body),
                          .max_body = kMaxAnswer};
    http::Response response = TRY(send(std::move(request)));
    if (!response.ok()) return status_error(response.status);
    return parse_refs(response.body);
  }

 private:
  Result<http::Response> send(http::Request request) {
    if (credentials_) request.headers.set("Authorization", basic_authorization(*credentials_));
    return transport_.send(request, stop_);
  }

  Result<void> follow(const http::Url& from, const http::Response& response) {
    std::string location = response.headers.find("Location").value_or("");
    std::string target =
        TRY_CONTEXT(http::resolve_url(base_ + std::string(kInfoRefs), location), "redirect");
    if (!target.ends_with(kInfoRefs))
      return fail(ErrorKind::InvalidInput,
                  "redirect to " + target.substr(0, 200) + ", which is no git repository");
    target.resize(target.size() - kInfoRefs.size());
    http::Url to = TRY(http::parse_url(target));
    if (from.scheme == "https" && to.scheme == "http")
      return fail(ErrorKind::InvalidInput,
                  "redirect from https to http (" + target.substr(0, 200) + ")");
    // Credentials were given for one host.
    if (to.origin() != from.origin()) credentials_.reset();
    base_ = std::move(target);
    return {};
  }

  static Result<Advertisement> parse_advertisement(std::string_view body) {
    Advertisement advertisement;
    PacketReader reader(body);
    bool capabilities_seen = false;
    while (auto next = TRY(reader.next())) {
      std::string_view text = next->text;
      if (next->kind != Packet::Kind::Data || text.starts_with("# service=") || text == "version 1")
        continue;
      if (text.starts_with("ERR "))
        return fail(ErrorKind::NotFound, "the server says: " + std::string(text.substr(4, 200)));
      if (text == "version 2") {
        advertisement.v2 = true;
      } else if (advertisement.v2) {
        if (text == "object-format=sha256") advertisement.sha256 = true;
      } else {
        std::size_t zero = text.find('\0');
        std::string_view capabilities =
            zero == std::string_view::npos ? std::string_view() : text.substr(zero + 1);
        TRY(add_v0_ref(text.substr(0, zero), advertisement.refs));
        if (!capabilities_seen && !capabilities.empty())
          note_symref(capabilities, advertisement.refs);
        capabilities_seen = true;
      }
    }
    return advertisement;
  }

  static Result<void> add_v0_ref(std::string_view line, std::vector<Ref>& refs) {
    std::size_t blank = line.find(' ');
    std::string object(line.substr(0, blank));
    if (blank == std::string_view::npos || !is_object_name(object))
      return fail(ErrorKind::InvalidInput, "not a git answer (expected a ref)");
    std::string name(line.substr(blank + 1));
    if (name == "capabilities^{}") return {};  // an empty repository
    // A tag object is followed by what it points at.
    if (name.ends_with("^{}")) {
      if (!refs.empty() && refs.back().name + "^{}" == name) refs.back().peeled = std::move(object);
      return {};
    }
    refs.push_back({std::move(object), {}, std::move(name), {}});
    return {};
  }

  static void note_symref(std::string_view capabilities, std::vector<Ref>& refs) {
    constexpr std::string_view kHead = "symref=HEAD:";
    std::size_t at = capabilities.find(kHead);
    if (at == std::string_view::npos || refs.empty() || refs.back().name != "HEAD") return;
    std::string_view target = capabilities.substr(at + kHead.size());
    refs.back().symref = target.substr(0, target.find(' '));
  }

  static Result<std::vector<Ref>> parse_refs(std::string_view body) {
    std::vector<Ref> refs;
    PacketReader reader(body);
    while (auto next = TRY(reader.next())) {
      if (next->kind != Packet::Kind::Data) continue;
      std::string_view text = next->text;
      if (text.starts_with("ERR "))
        return fail(ErrorKind::NotFound, "the server says: " + std::string(text.substr(4, 200)));
      Ref ref;
      for (int field = 0; !text.empty(); ++field) {
        std::size_t blank = text.find(' ');
        std::string word(text.substr(0, blank));
        text.remove_prefix(blank == std::string_view::npos ? text.size() : blank + 1);
        if (field == 0)
          ref.object = std::move(word);
        else if (field == 1)
          ref.name = std::move(word);
        else if (word.starts_with("symref-target:"))
          ref.symref = word.substr(14);
        else if (word.starts_with("peeled:"))
          ref.peeled = word.substr(7);
      }
      if (ref.object == "unborn") continue;
      if (!is_object_name(ref.object) || ref.name.empty())
        return fail(ErrorKind::InvalidInput, "not a git answer (expected a ref)");
      if (!ref.peeled.empty() && !is_object_name(ref.peeled))
        return fail(ErrorKind::InvalidInput, "not a git answer (peeled)");
      refs.push_back(std::move(ref));
    }
    return refs;
  }

  http::Transport& transport_;
  std::string base_;
  std::optional<Credentials> credentials_;
  const std::stop_token stop_;
};

}  // namespace

bool is_object_name(std::string_view text) {
  return (text.size() == 40 || text.size() == 64) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string RemoteRef::revision() const {
  std::string shown = name;
  for (std::string_view prefix : {"refs/heads/", "refs/tags/"}) {
    if (shown.starts_with(prefix)) shown.erase(0, prefix.size());
  }
  return (shown.empty() ? "HEAD" : shown) + (commit.size() == 64 ? "@sha256:" : "@sha1:") + commit;
}

Result<RemoteRef> resolve(http::Transport& transport, std::string_view url,
                          const RefSelector& selector,
                          const std::optional<Credentials>& credentials, std::stop_token stop) {
  const std::string what = "git " + std::string(url);
  TRY_CONTEXT(http::parse_url(url), "git");
  if (!selector.commit.empty()) {
    if (is_object_name(selector.commit)) return RemoteRef{selector.commit, {}};
    return fail(ErrorKind::InvalidInput, what + ": commit \"" + selector.commit +
                                             "\" is not a full hash of 40 or 64 hex characters");
  }
  std::string wanted = !selector.branch.empty() ? "refs/heads/" + selector.branch
                       : !selector.tag.empty()  ? "refs/tags/" + selector.tag
                                                : "HEAD";
  if (wanted.size() > 1000 ||
      wanted.find_first_of(std::string_view("\0\n ", 3)) != std::string::npos) {
    return fail(ErrorKind::InvalidInput,
                what + ": \"" + wanted.substr(0, 100) + "\" is no name of a branch or tag");
  }
  Session session(transport, std::string(url), credentials, std::move(stop));
  Advertisement advertisement = TRY_CONTEXT(session.advertisement(), what);
  std::vector<Ref> refs = advertisement.v2
                              ? TRY_CONTEXT(session.ls_refs({wanted}, advertisement.sha256), what)
                              : std::move(advertisement.refs);
  for (const Ref& ref : refs) {
    if (ref.name != wanted) continue;
    return RemoteRef{ref.peeled.empty() ? ref.object : ref.peeled,
                     ref.symref.empty() ? ref.name : ref.symref};
  }
  if (wanted == "HEAD")
    return fail(ErrorKind::NotFound,
                what + ": the repository has no default branch (is it empty?)");
  return fail(ErrorKind::NotFound,
              what + ": there is no " +
                  (selector.branch.empty() ? "tag " + selector.tag : "branch " + selector.branch));
}

}  // namespace imagebuild::git
