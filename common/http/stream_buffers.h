// The two bounded stream buffers that give cpprestsdk back-pressure (its own buffers hold whole
// bodies in memory, see docs/decisions): both hand their work to the thread that waits in
// Transport::send, through one Exchange.
#pragma once

#include <cpprest/astreambuf.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "common/http/transport.h"

namespace imagebuild::http {

/// State of one request, shared by the sending thread and cpprestsdk's pool threads.
class Exchange {
 public:
  /// Queued response bytes beyond this make the connection wait for the sending thread.
  static constexpr std::size_t kQueueLimit = 1u << 20;

  // Called by pool threads.
  pplx::task<std::size_t> put(const std::uint8_t* bytes, std::size_t count);
  pplx::task<std::size_t> request_read(std::uint8_t* buffer, std::size_t count);
  void set_head(Response head);
  void finish(std::optional<Error> error);

  // Called by the sending thread: runs until the exchange has finished. `abort` is called once when
  // the sink or the source fails; it must make the exchange finish soon.
  Result<Response> run(const Request& request, const std::function<void()>& abort);

 private:
  struct PendingRead {
    std::uint8_t* buffer;
    std::size_t count;
    pplx::task_completion_event<std::size_t> done;
  };

  Result<void> deliver(const Request& request, Response& response, const std::string& piece);
  void release_waiters_locked();

  std::mutex mutex_;  // guards everything below
  std::condition_variable changed_;
  std::deque<std::string> pieces_;
  std::size_t queued_ = 0;
  std::optional<std::pair<std::size_t, pplx::task_completion_event<std::size_t>>> blocked_put_;
  std::optional<PendingRead> pending_read_;
  std::optional<Response> head_;
  bool aborted_ = false;
  bool finished_ = false;
  std::optional<Error> error_;
};

/// A write-only cpprestsdk stream buffer into the exchange.
concurrency::streams::streambuf<std::uint8_t> make_response_buffer(
    std::shared_ptr<Exchange> exchange);
/// A read-only cpprestsdk stream buffer from the exchange.
concurrency::streams::streambuf<std::uint8_t> make_request_buffer(
    std::shared_ptr<Exchange> exchange);

}  // namespace imagebuild::http
