/* SPDX-License-Identifier: MIT */
/* The classes of Foundation that upstream uses, with the methods that it uses and no other. */
#pragma once

/* Apple's Foundation brings these along, and upstream relies on it. */
#include <Block.h>
#include <assert.h>
#include <inttypes.h>
#include <mach/mach.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#import <dispatch/dispatch.h>
#import <objc/NSObject.h>

#pragma clang assume_nonnull begin

@class NSArray<__covariant ObjectType>;
@class NSCharacterSet;
@class NSDictionary<__covariant KeyType, __covariant ObjectType>;
@class NSError;
@class NSString;

@protocol NSCopying
@end

/* ranges ---------------------------------------------------------------------------------------------------------- */

typedef struct _NSRange {
    NSUInteger location;
    NSUInteger length;
} NSRange;

static inline NSRange NSMakeRange(NSUInteger location, NSUInteger length) {
    NSRange range = { location, length };
    return range;
}

/* what `for (x in y)` asks of y ----------------------------------------------------------------------------------- */

typedef struct {
    unsigned long state;
    id __unsafe_unretained _Nullable * _Nullable itemsPtr;
    unsigned long * _Nullable mutationsPtr;
    unsigned long extra[5];
} NSFastEnumerationState;

@protocol NSFastEnumeration
- (NSUInteger)countByEnumeratingWithState:(NSFastEnumerationState *)state
                                  objects:(id __unsafe_unretained _Nullable [_Nonnull])buffer
                                    count:(NSUInteger)length;
@end

/* text and numbers ------------------------------------------------------------------------------------------------ */

typedef NSUInteger NSStringEncoding;
enum : NSStringEncoding {
    NSUTF8StringEncoding = 4,
};

@interface NSString : NSObject <NSCopying>
+ (nullable instancetype)stringWithUTF8String:(const char *)text;
+ (nullable instancetype)stringWithCString:(const char *)text encoding:(NSStringEncoding)encoding;
+ (instancetype)stringWithFormat:(NSString *)format, ... __attribute__((format(__NSString__, 1, 2)));
+ (nullable instancetype)stringWithContentsOfFile:(NSString *)path
                                         encoding:(NSStringEncoding)encoding
                                            error:(NSError * _Nullable * _Nullable)error;
+ (NSString *)pathWithComponents:(NSArray<NSString *> *)components;
- (nullable instancetype)initWithBytes:(const void *)bytes
                                length:(NSUInteger)length
                              encoding:(NSStringEncoding)encoding;
@property (readonly) NSUInteger length;
@property (nullable, readonly) const char * UTF8String __attribute__((objc_returns_inner_pointer));
@property (readonly, copy) NSString * stringByDeletingLastPathComponent;
@property (readonly, copy) NSString * stringByStandardizingPath;
- (BOOL)isEqualToString:(NSString *)other;
- (BOOL)containsString:(NSString *)part;
- (NSString *)substringToIndex:(NSUInteger)index;
- (NSString *)stringByAppendingPathComponent:(NSString *)component;
- (nullable NSString *)stringByAppendingPathExtension:(NSString *)extension;
- (NSString *)stringByTrimmingCharactersInSet:(NSCharacterSet *)set;
- (NSArray<NSString *> *)componentsSeparatedByString:(NSString *)separator;
@end

@interface NSMutableString : NSString
- (void)appendString:(NSString *)text;
@end

@interface NSNumber : NSObject <NSCopying>
+ (NSNumber *)numberWithInt:(int)value;
@property (readonly) int intValue;
@end

@interface NSCharacterSet : NSObject <NSCopying>
@property (class, readonly, copy) NSCharacterSet * whitespaceCharacterSet;
@end

@interface NSScanner : NSObject
+ (instancetype)scannerWithString:(NSString *)text;
@property (nullable, copy) NSCharacterSet * charactersToBeSkipped;
- (BOOL)scanString:(NSString *)text intoString:(NSString * _Nullable * _Nullable)found;
- (BOOL)scanUpToString:(NSString *)text intoString:(NSString * _Nullable * _Nullable)found;
@end

/* collections ----------------------------------------------------------------------------------------------------- */

@interface NSArray<__covariant ObjectType> : NSObject <NSCopying, NSFastEnumeration>
+ (instancetype)arrayWithObjects:(const ObjectType _Nonnull [_Nullable])objects count:(NSUInteger)count;
@property (readonly) NSUInteger count;
- (ObjectType)objectAtIndexedSubscript:(NSUInteger)index;
@end

@interface NSMutableArray<ObjectType> : NSArray <ObjectType>
- (void)addObject:(ObjectType)object;
- (void)removeObject:(ObjectType)object;
- (void)removeAllObjects;
@end

@interface NSDictionary<__covariant KeyType, __covariant ObjectType> : NSObject <NSCopying, NSFastEnumeration>
+ (instancetype)dictionary;
+ (instancetype)dictionaryWithObjects:(const ObjectType _Nonnull [_Nullable])objects
                              forKeys:(const KeyType<NSCopying> _Nonnull [_Nullable])keys
                                count:(NSUInteger)count;
- (nullable ObjectType)objectForKey:(KeyType)key;
- (nullable ObjectType)objectForKeyedSubscript:(KeyType)key;
@end

@interface NSMutableDictionary<KeyType, ObjectType> : NSDictionary <KeyType, ObjectType>
- (void)setObject:(ObjectType)object forKey:(KeyType<NSCopying>)key;
- (void)setObject:(nullable ObjectType)object forKeyedSubscript:(KeyType<NSCopying>)key;
@end

@interface NSSet<__covariant ObjectType> : NSObject <NSCopying, NSFastEnumeration>
+ (instancetype)set;
+ (instancetype)setWithArray:(NSArray<ObjectType> *)array;
- (BOOL)containsObject:(ObjectType)object;
@end

@interface NSMutableSet<ObjectType> : NSSet <ObjectType>
- (void)addObject:(ObjectType)object;
@end

/* errors, files, the process ---------------------------------------------------------------------------------------*/

typedef NSString * NSErrorDomain;
typedef NSString * NSErrorUserInfoKey;
extern NSErrorUserInfoKey const NSLocalizedDescriptionKey;

@interface NSError : NSObject <NSCopying>
+ (instancetype)errorWithDomain:(NSErrorDomain)domain
                           code:(NSInteger)code
                       userInfo:(nullable NSDictionary<NSErrorUserInfoKey, id> *)info;
@property (readonly, copy) NSString * localizedDescription;
@end

@interface NSURL : NSObject <NSCopying>
+ (NSURL *)fileURLWithPath:(NSString *)path;
@end

@interface NSBundle : NSObject
+ (NSBundle *)bundleForClass:(Class)class;
- (nullable NSString *)pathForResource:(nullable NSString *)name ofType:(nullable NSString *)extension;
@end

@interface NSProcessInfo : NSObject
@property (class, readonly, strong) NSProcessInfo * processInfo;
@property (readonly, copy) NSDictionary<NSString *, NSString *> * environment;
@property (readonly, copy) NSArray<NSString *> * arguments;
@end

typedef NSString * NSFileAttributeKey;
typedef NSString * NSFileAttributeType;
extern NSFileAttributeKey const NSFileType;
extern NSFileAttributeType const NSFileTypeSymbolicLink;

@interface NSFileManager : NSObject
@property (class, readonly, strong) NSFileManager * defaultManager;
- (BOOL)isReadableFileAtPath:(NSString *)path;
- (nullable NSDictionary<NSFileAttributeKey, id> *)attributesOfItemAtPath:(NSString *)path
                                                                    error:(NSError * _Nullable * _Nullable)error;
- (nullable NSString *)destinationOfSymbolicLinkAtPath:(NSString *)path error:(NSError * _Nullable * _Nullable)error;
@end

@protocol NSLocking
- (void)lock;
- (void)unlock;
@end

@interface NSLock : NSObject <NSLocking>
@end

#pragma clang assume_nonnull end
