/* SPDX-License-Identifier: MIT */
/* C's mathematics: only what the two files and the headers that they include use. */
#pragma once

float expf(float x);
float fabsf(float x);
float ldexpf(float x, int exponent);
float logf(float x);
