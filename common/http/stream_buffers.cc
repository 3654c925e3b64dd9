#include "common/http/stream_buffers.h"

#include <algorithm>
#include <cstring>

namespace imagebuild::http {

pplx::task<std::size_t> Exchange::put(const std::uint8_t* bytes, std::size_t count) {
  std::lock_guard lock(mutex_);
  if (aborted_) return pplx::task_from_result<std::size_t>(0);
  pieces_.emplace_back(reinterpret_cast<const char*>(bytes), count);
  queued_ += count;
  changed_.notify_all();
  if (queued_ <= kQueueLimit) return pplx::task_from_result(count);
  pplx::task_completion_event<std::size_t> done;
  blocked_put_ = {count, done};
  return pplx::create_task(done);
}

pplx::task<std::size_t> Exchange::request_read(std::uint8_t* buffer, std::size_t count) {
  std::lock_guard lock(mutex_);
  if (aborted_) return pplx::task_from_result<std::size_t>(0);
  pplx::task_completion_event<std::size_t> done;
  pending_read_ = PendingRead{buffer, count, done};
  changed_.notify_all();
  return pplx::create_task(done);
}

void Exchange::set_head(Response head) {
  std::lock_guard lock(mutex_);
  head_ = std::move(head);
  changed_.notify_all();
}

void Exchange::finish(std::optional<Error> error) {
  std::lock_guard lock(mutex_);
  finished_ = true;
  if (error && !error_) error_ = std::move(error);
  changed_.notify_all();
}

void Exchange::release_waiters_locked() {
  if (blocked_put_) {
    blocked_put_->second.set(blocked_put_->first);
    blocked_put_.reset();
  }
  if (pending_read_) {
    pending_read_->done.set(0);
    pending_read_.reset();
  }
}

Result<void> Exchange::deliver(const Request& request, Response& response,
                               const std::string& piece) {
  if (request.sink && response.ok()) return request.sink(response, piece);
  if (response.body.size() + piece.size() > request.max_body)
    return fail(ErrorKind::InvalidInput,
                "response body is larger than " + std::to_string(request.max_body) + " bytes");
  response.body += piece;
  return {};
}

Result<Response> Exchange::run(const Request& request, const std::function<void()>& abort) {
  std::optional<Response> response;
  auto give_up = [&](std::unique_lock<std::mutex>& lock, Error error) {
    error_ = std::move(error);
    aborted_ = true;
    pieces_.clear();
    release_waiters_locked();
    lock.unlock();
    abort();
    lock.lock();
  };

  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] {
      return finished_ || (head_ && !pieces_.empty()) || (pending_read_ && !aborted_);
    });
    if (head_ && !response) response = *head_;
    if (response && !pieces_.empty()) {
      std::string piece = std::move(pieces_.front());
      pieces_.pop_front();
      queued_ -= piece.size();
      if (blocked_put_ && queued_ <= kQueueLimit / 2) {
        blocked_put_->second.set(blocked_put_->first);
        blocked_put_.reset();
      }
      lock.unlock();
      auto delivered = deliver(request, *response, piece);
      lock.lock();
      if (!delivered) give_up(lock, std::move(delivered).error());
      continue;
    }
    if (pending_read_ && !aborted_) {
      PendingRead read = *pending_read_;
      pending_read_.reset();
      lock.unlock();
      auto count = request.source->read({reinterpret_cast<char*>(read.buffer), read.count});
      read.done.set(count ? *count : 0);
      lock.lock();
      if (!count) give_up(lock, std::move(count).error());
      continue;
    }
    if (finished_) break;
  }
  release_waiters_locked();
  if (error_) return *error_;
  if (!response) return fail(ErrorKind::Internal, "request ended without a response");
  return *std::move(response);
}

namespace {

using ByteBuffer = concurrency::streams::details::streambuf_state_manager<std::uint8_t>;

// Everything a sequential buffer does not do: seek, look ahead, give out memory. cpprestsdk asks
// for none of it on the two paths used here (putn of a response, getn of a request body).
class SequentialBuffer : public ByteBuffer {
 public:
  using ByteBuffer::ByteBuffer;
  using traits = ByteBuffer::traits;
  using int_type = traits::int_type;
  using pos_type = traits::pos_type;
  using off_type = traits::off_type;

  bool can_seek() const override { return false; }
  bool has_size() const override { return false; }
  std::size_t buffer_size(std::ios_base::openmode) const override { return 0; }
  void set_buffer_size(std::size_t, std::ios_base::openmode) override {}
  std::size_t in_avail() const override { return 0; }
  pos_type getpos(std::ios_base::openmode) const override { return pos_type(off_type(0)); }
  pos_type seekpos(pos_type, std::ios_base::openmode) override { return traits::eof(); }
  pos_type seekoff(off_type, std::ios_base::seekdir, std::ios_base::openmode) override {
    return traits::eof();
  }
  bool acquire(std::uint8_t*& bytes, std::size_t& count) override {
    bytes = nullptr;
    count = 0;
    return false;
  }
  void release(std::uint8_t*, std::size_t) override {}

 protected:
  pplx::task<bool> _sync() override { return pplx::task_from_result(true); }
  std::uint8_t* _alloc(std::size_t) override { return nullptr; }
  void _commit(std::size_t) override {}
  pplx::task<int_type> _bumpc() override { return refuse(); }
  int_type _sbumpc() override { return traits::requires_async(); }
  pplx::task<int_type> _getc() override { return refuse(); }
  int_type _sgetc() override { return traits::requires_async(); }
  pplx::task<int_type> _nextc() override { return refuse(); }
  pplx::task<int_type> _ungetc() override { return refuse(); }
  std::size_t _scopy(std::uint8_t*, std::size_t) override {
    return static_cast<std::size_t>(traits::requires_async());
  }
  pplx::task<int_type> _putc(std::uint8_t) override { return refuse(); }
  pplx::task<std::size_t> _putn(const std::uint8_t*, std::size_t) override {
    return pplx::task_from_result<std::size_t>(0);
  }
  pplx::task<std::size_t> _getn(std::uint8_t*, std::size_t) override {
    return pplx::task_from_result<std::size_t>(0);
  }

 private:
  static pplx::task<int_type> refuse() { return pplx::task_from_result<int_type>(traits::eof()); }
};

class ResponseBuffer final : public SequentialBuffer {
 public:
  explicit ResponseBuffer(std::shared_ptr<Exchange> exchange)
      : SequentialBuffer(std::ios_base::out), exchange_(std::move(exchange)) {}

 protected:
  pplx::task<int_type> _putc(std::uint8_t byte) override {
    return exchange_->put(&byte, 1).then([byte](std::size_t) -> int_type { return byte; });
  }
  pplx::task<std::size_t> _putn(const std::uint8_t* bytes, std::size_t count) override {
    return exchange_->put(bytes, count);
  }

 private:
  // Shared: cpprestsdk keeps the buffer until its last continuation has run,
  // which may be after send() returned.
  std::shared_ptr<Exchange> exchange_;
};

class RequestBuffer final : public SequentialBuffer {
 public:
  explicit RequestBuffer(std::shared_ptr<Exchange> exchange)
      : SequentialBuffer(std::ios_base::in), exchange_(std::move(exchange)) {}

 protected:
  pplx::task<std::size_t> _getn(std::uint8_t* buffer, std::size_t count) override {
    return exchange_->request_read(buffer, count);
  }

 private:
  std::shared_ptr<Exchange> exchange_;  // shared: as in ResponseBuffer
};

// streambuf's constructor from a base pointer is protected.
struct Wrapped : concurrency::streams::streambuf<std::uint8_t> {
  explicit Wrapped(
      const std::shared_ptr<concurrency::streams::details::basic_streambuf<std::uint8_t>>& base)
      : streambuf<std::uint8_t>(base) {}
};

}  // namespace

concurrency::streams::streambuf<std::uint8_t> make_response_buffer(
    std::shared_ptr<Exchange> exchange) {
  return Wrapped(std::make_shared<ResponseBuffer>(std::move(exchange)));
}

concurrency::streams::streambuf<std::uint8_t> make_request_buffer(
    std::shared_ptr<Exchange> exchange) {
  return Wrapped(std::make_shared<RequestBuffer>(std::move(exchange)));
}

}  // namespace imagebuild::http
