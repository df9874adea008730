/* SPDX-License-Identifier: MIT */
/* Queues, groups and semaphores. For Objective-C they are objects, each kind with a protocol of its own. */
#pragma once

#import <objc/NSObject.h>

#define QOS_CLASS_USER_INTERACTIVE 0x21
#define QOS_CLASS_USER_INITIATED 0x19
#define QOS_CLASS_DEFAULT 0x15
#define QOS_CLASS_UTILITY 0x11
#define QOS_CLASS_BACKGROUND 0x09

#define DISPATCH_TIME_NOW 0ull
#define DISPATCH_TIME_FOREVER (~0ull)

#pragma clang assume_nonnull begin

@protocol OS_dispatch_object <NSObject>
@end
@protocol OS_dispatch_queue <OS_dispatch_object>
@end
@protocol OS_dispatch_queue_attr <OS_dispatch_object>
@end
@protocol OS_dispatch_group <OS_dispatch_object>
@end
@protocol OS_dispatch_semaphore <OS_dispatch_object>
@end

typedef NSObject<OS_dispatch_object> * dispatch_object_t;
typedef NSObject<OS_dispatch_queue> * dispatch_queue_t;
typedef NSObject<OS_dispatch_queue_attr> * dispatch_queue_attr_t;
typedef NSObject<OS_dispatch_group> * dispatch_group_t;
typedef NSObject<OS_dispatch_semaphore> * dispatch_semaphore_t;
typedef uint64_t dispatch_time_t;
typedef void (^dispatch_block_t)(void);

extern NSObject<OS_dispatch_queue_attr> * const __stub_dispatch_queue_concurrent;
#define DISPATCH_QUEUE_CONCURRENT __stub_dispatch_queue_concurrent

#define STUB_RESULT_IS_OWNED __attribute__((warn_unused_result))

dispatch_queue_t dispatch_queue_create(const char * _Nullable label, dispatch_queue_attr_t _Nullable attributes)
    STUB_RESULT_IS_OWNED;
dispatch_queue_t dispatch_get_global_queue(intptr_t identifier, uintptr_t flags) STUB_RESULT_IS_OWNED;
void dispatch_apply(size_t iterations, dispatch_queue_t _Nullable queue, void (^block)(size_t iteration));

dispatch_group_t dispatch_group_create(void) STUB_RESULT_IS_OWNED;
void dispatch_group_async(dispatch_group_t group, dispatch_queue_t queue, dispatch_block_t block);
intptr_t dispatch_group_wait(dispatch_group_t group, dispatch_time_t timeout);

dispatch_semaphore_t dispatch_semaphore_create(intptr_t value) STUB_RESULT_IS_OWNED;
intptr_t dispatch_semaphore_wait(dispatch_semaphore_t semaphore, dispatch_time_t timeout);
intptr_t dispatch_semaphore_signal(dispatch_semaphore_t semaphore);

/* Apple's is a macro that sends release, for sources without automatic reference counting. */
void dispatch_release(dispatch_object_t object);

#pragma clang assume_nonnull end
