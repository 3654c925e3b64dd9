#include "common/archive/libarchive.h"

namespace imagebuild::libarchive {

namespace {

locale_t c_locale() {
  static locale_t locale = ::newlocale(LC_ALL_MASK, "C", nullptr);
  return locale;
}

}  // namespace

BytewiseNames::BytewiseNames() : previous_(::uselocale(c_locale())) {}
BytewiseNames::~BytewiseNames() { ::uselocale(previous_); }

std::string message_of(struct archive* archive) {
  const char* text = archive_error_string(archive);
  return text == nullptr ? "damaged archive" : text;
}

}  // namespace imagebuild::libarchive
