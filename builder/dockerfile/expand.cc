// The public face of the expander: see expand.h.
#include "builder/dockerfile/expand.h"

#include "builder/dockerfile/expander.h"

namespace imagebuild::dockerfile {

Result<std::string> expand(std::string_view word, const VariableLookup& lookup,
                           const ExpandOptions& options, VariableUse* use) {
  LexOptions lex{.escape = options.escape, .keep_quotes = options.keep_quotes};
  return TRY(Expander(word, lookup, lex, use).run()).text;
}

Result<std::vector<std::string>> expand_words(std::string_view text, const VariableLookup& lookup,
                                              const ExpandOptions& options, VariableUse* use) {
  LexOptions lex{.escape = options.escape, .keep_quotes = options.keep_quotes};
  return TRY(Expander(text, lookup, lex, use).run()).words;
}

}  // namespace imagebuild::dockerfile
