/* SPDX-License-Identifier: MIT */
/* Blocks that outlive the frame that they were made in. */
#pragma once

void * _Block_copy(const void * block);
void _Block_release(const void * block);

/* Copying a block gives the block's own type back. */
#define Block_copy(...) ((__typeof(__VA_ARGS__)) _Block_copy((const void *) (__VA_ARGS__)))
#define Block_release(...) _Block_release((const void *) (__VA_ARGS__))
