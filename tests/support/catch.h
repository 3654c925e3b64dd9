// The one include of Catch2: version 3 where the distribution has it, 2.13 on bookworm.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
