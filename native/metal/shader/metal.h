// Stands for Metal's standard library when clang compiles a shader as C++ on x86-64 Linux.
//
// Source of names and rules: Apple, "Metal Shading Language Specification", version 3.1. Only what upstream's shaders
// use, and what belongs to it, is here: a name that is missing is an error of the compiler, never a wrong number.
// Everything is in namespace metal; a shader reaches it by its own `using namespace metal`.
// No header of the standard library but <initializer_list>: some hundred units include this one.
#pragma once

#include "traits.h"
#include "scalars.h"
#include "constants.h"
#include "division.h"
#include "native_vectors.h"
#include "vectors.h"
#include "operators.h"
#include "conversions.h"
#include "matrices.h"
#include "elementwise.h"
#include "common.h"
#include "relational.h"
#include "integers.h"
#include "math.h"
#include "geometry.h"
