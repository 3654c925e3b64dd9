// spec.budget: how large an image may be, and what an image exceeds of it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/api/field_reader.h"
#include "common/base/json.h"

namespace imagebuild::api {

struct Budget {
  /// Warn: the image is accepted and WithinBudget says False. Block: its tags do not move.
  enum class Enforcement { Warn, Block };

  std::optional<std::uint64_t> size_bytes;  ///< compressed, of the largest platform
  std::optional<double> growth_percent;     ///< over the baseline
  std::optional<std::uint64_t> own_bytes;   ///< compressed, without the base's layers
  std::optional<int> layers;
  Enforcement enforcement = Enforcement::Warn;

  bool has_limit() const { return size_bytes || growth_percent || own_bytes || layers; }
};

/// What of an image counts.
struct BudgetedSizes {
  std::uint64_t size_bytes = 0, own_size_bytes = 0;
  int layer_count = 0;
  std::uint64_t baseline_bytes = 0;  ///< 0: none yet, nothing can have grown
};

/// One sentence for each limit that is exceeded, the size first: "212.0 MiB is over
/// spec.budget.size of 200.0 MiB". Empty: within.
std::vector<std::string> exceeded_limits(const Budget& budget, const BudgetedSizes& sizes);

/// The sentences as one message: "…; …".
std::string joined(const std::vector<std::string>& sentences);

/// Reads the field "budget" of `spec`; what is wrong goes to the reader's errors.
Budget read_budget(FieldReader& spec);
/// Null when there is no limit.
Json budget_to_json(const Budget& budget);

}  // namespace imagebuild::api
