/* SPDX-License-Identifier: MIT */
/* The language's own types and its root class. */
#pragma once

#include <Availability.h>
#include <TargetConditionals.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define nil ((void *) 0)
#define YES __objc_yes
#define NO __objc_no

#if __OBJC_BOOL_IS_BOOL
typedef bool BOOL;
#else
typedef signed char BOOL;
#endif

typedef long NSInteger;
typedef unsigned long NSUInteger;

/* An enumeration that may gain values, and one whose values are bits. */
#define NS_ENUM(type, name) enum __attribute__((enum_extensibility(open))) name : type name; enum name : type
#define NS_OPTIONS(type, name) enum __attribute__((flag_enum, enum_extensibility(open))) name : type name; enum name : type

#pragma clang assume_nonnull begin

@class NSString;

@protocol NSObject
- (BOOL)isEqual:(nullable id)object;
- (Class)class;
- (instancetype)retain;
- (oneway void)release;
- (instancetype)autorelease;
@property (readonly, copy) NSString * description;
@end

__attribute__((objc_root_class))
@interface NSObject <NSObject>
+ (instancetype)alloc;
+ (instancetype)new;
+ (Class)class;
- (instancetype)init;
@end

#pragma clang assume_nonnull end
