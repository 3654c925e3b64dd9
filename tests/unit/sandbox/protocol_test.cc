#include "builder/sandbox/protocol.h"

#include <fcntl.h>

#include "builder/sandbox/messages.h"
#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::sandbox;

TEST_CASE("a message keeps bytes that are not UTF-8") {
  auto sockets = make_socket_pair();
  REQUIRE(sockets);
  REQUIRE(send_message(sockets->ours.get(), {{"path", "caf\xe9"}}));
  auto message = receive_message(sockets->theirs.get());
  REQUIRE(message);
  CHECK((**message)["path"].get<std::string>() == "caf\xe9");
}

TEST_CASE("the end of a channel is told from a message cut short") {
  auto sockets = make_socket_pair();
  sockets->ours.reset();
  auto end = receive_message(sockets->theirs.get());
  REQUIRE(end);
  CHECK_FALSE(end->has_value());

  auto cut = make_socket_pair();
  const std::uint64_t size = 100;
  REQUIRE(write_all(cut->ours.get(), {reinterpret_cast<const char*>(&size), sizeof size}));
  REQUIRE(write_all(cut->ours.get(), "abc"));
  cut->ours.reset();
  CHECK(receive_message(cut->theirs.get()).error().kind == ErrorKind::Transient);
}

TEST_CASE("a length beyond the limit is refused before it is allocated") {
  auto sockets = make_socket_pair();
  const std::uint64_t size = ~std::uint64_t{0};
  REQUIRE(write_all(sockets->ours.get(), {reinterpret_cast<const char*>(&size), sizeof size}));
  CHECK(receive_message(sockets->theirs.get()).error().kind == ErrorKind::InvalidInput);
}

TEST_CASE("descriptors arrive with the byte they were sent with") {
  auto control = make_socket_pair();
  auto first = make_pipe();
  auto second = make_pipe();
  const int one[] = {first->write.get()};
  const int two[] = {second->write.get(), first->write.get()};
  REQUIRE(send_descriptors(control->ours.get(), one));
  REQUIRE(send_descriptors(control->ours.get(), two));
  control->ours.reset();

  auto got = receive_descriptors(control->theirs.get());
  REQUIRE((got && *got && (*got)->size() == 1));
  CHECK((::fcntl((**got)[0].get(), F_GETFD) & FD_CLOEXEC) != 0);
  REQUIRE(write_all((**got)[0].get(), "hello"));
  got = receive_descriptors(control->theirs.get());
  REQUIRE((got && *got && (*got)->size() == 2));
  got = receive_descriptors(control->theirs.get());
  REQUIRE(got);
  CHECK_FALSE(got->has_value());
  first->write.reset();
  CHECK(*read_all(first->read.get(), 100) == "hello");
}

TEST_CASE("an answer is a value or the very error") {
  CHECK(*answer_from_json(answer_to_json(Json{{"a", 1}})) == Json{{"a", 1}});
  const auto error = answer_from_json(answer_to_json(fail(ErrorKind::Denied, "mount /proc: no")));
  REQUIRE_FALSE(error);
  CHECK(error.error().kind == ErrorKind::Denied);
  CHECK(error.error().message == "mount /proc: no");
  CHECK(answer_from_json(Json::array()).error().kind == ErrorKind::Internal);
}

TEST_CASE("a run request survives the crossing") {
  RunSpec spec;
  spec.lowers = {{1}, {2}};
  spec.upper = {3};
  spec.argv = {"/bin/sh", "-c", "echo \xff"};
  spec.env = {"A=b"};
  spec.cwd = "/w";
  spec.uid = 33;
  spec.gid = 34;
  spec.groups = {35, 36};
  spec.network = Network::None;
  spec.hostname = "h";
  spec.extra_hosts = {{"db", "10.0.0.1"}};
  spec.hosts = "x\n";
  const auto same = run_spec_from_json(to_json(spec));
  REQUIRE(same);
  CHECK(to_json(*same) == to_json(spec));
  CHECK_FALSE(same->resolv_conf);
  CHECK(same->network == Network::None);
  CHECK(same->lowers == spec.lowers);
  CHECK(run_spec_from_json(Json{{"argv", 1}}).error().kind == ErrorKind::InvalidInput);
}
