// main() of every test executable, compiled once.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_session.hpp>
int main(int argc, char** argv) { return Catch::Session().run(argc, argv); }
#else
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif

#ifdef __SANITIZE_THREAD__
// cpprestsdk's library is not instrumented, so that the reference counts and locks inside it look
// like races with the parts of it (pplx, asio) that are templates in our own objects.
extern "C" const char* __tsan_default_suppressions() {
  return "race:pplx::\nrace:boost::asio\nrace:web::http::\nmutex:web::http::\nrace:libcpprest."
         "so\nmutex:libcpprest.so\n";
}
#endif
