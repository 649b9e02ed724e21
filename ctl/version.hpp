// The version, from the build.
#pragma once
#include "build_config.hpp"
