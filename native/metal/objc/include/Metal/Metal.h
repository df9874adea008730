/* SPDX-License-Identifier: MIT */
/* The protocols and classes of Metal that upstream uses, with the methods that it uses and no other. */
#pragma once

#import <Foundation/Foundation.h>

#pragma clang assume_nonnull begin

@protocol MTLBlitCommandEncoder;
@protocol MTLBuffer;
@protocol MTLCaptureScope;
@protocol MTLCommandBuffer;
@protocol MTLCommandQueue;
@protocol MTLComputeCommandEncoder;
@protocol MTLComputePipelineState;
@protocol MTLDevice;
@protocol MTLFunction;
@protocol MTLLibrary;
@protocol MTLResidencySet;
@protocol MTLSharedEvent;
@class MTLCompileOptions;
@class MTLResidencySetDescriptor;

/* values ---------------------------------------------------------------------------------------------------------- */

typedef struct {
    NSUInteger width;
    NSUInteger height;
    NSUInteger depth;
} MTLSize;

static inline MTLSize MTLSizeMake(NSUInteger width, NSUInteger height, NSUInteger depth) {
    MTLSize size = { width, height, depth };
    return size;
}

typedef NS_ENUM(NSInteger, MTLGPUFamily) {
    MTLGPUFamilyApple1 = 1001,
    MTLGPUFamilyApple2 = 1002,
    MTLGPUFamilyApple3 = 1003,
    MTLGPUFamilyApple4 = 1004,
    MTLGPUFamilyApple5 = 1005,
    MTLGPUFamilyApple6 = 1006,
    MTLGPUFamilyApple7 = 1007,
    MTLGPUFamilyApple8 = 1008,
    MTLGPUFamilyApple9 = 1009,
    MTLGPUFamilyCommon1 = 3001,
    MTLGPUFamilyCommon2 = 3002,
    MTLGPUFamilyCommon3 = 3003,
} STUB_SINCE(10.15, 13.0);

typedef NS_ENUM(NSUInteger, MTLDataType) {
    MTLDataTypeInt = 29,
    MTLDataTypeShort = 37,
    MTLDataTypeBool = 53,
};

typedef NS_ENUM(NSUInteger, MTLDispatchType) {
    MTLDispatchTypeSerial = 0,
    MTLDispatchTypeConcurrent = 1,
} STUB_SINCE(10.14, 12.0);

typedef NS_OPTIONS(NSUInteger, MTLBarrierScope) {
    MTLBarrierScopeBuffers = 1 << 0,
} STUB_SINCE(10.14, 12.0);

/* A storage mode stands in the fifth bit of the options and above. */
typedef NS_OPTIONS(NSUInteger, MTLResourceOptions) {
    MTLResourceStorageModeShared = 0 << 4,
    MTLResourceStorageModePrivate = 2 << 4,
};

typedef NS_ENUM(NSUInteger, MTLLanguageVersion) {
    MTLLanguageVersion3_0 STUB_SINCE(13.0, 16.0) = (3 << 16) + 0,
    MTLLanguageVersion3_1 STUB_SINCE(14.0, 17.0) = (3 << 16) + 1,
    MTLLanguageVersion3_2 STUB_SINCE(15.0, 18.0) = (3 << 16) + 2,
};

/* devices --------------------------------------------------------------------------------------------------------- */

typedef NS_ENUM(NSUInteger, MTLDeviceLocation) {
    MTLDeviceLocationBuiltIn = 0,
    MTLDeviceLocationSlot = 1,
    MTLDeviceLocationExternal = 2,
} STUB_MAC_ONLY(10.15);

extern id<MTLDevice> _Nullable MTLCreateSystemDefaultDevice(void) __attribute__((ns_returns_retained));
extern NSArray<id<MTLDevice>> * MTLCopyAllDevices(void) STUB_SINCE(10.11, 18.0) __attribute__((ns_returns_retained));

@protocol MTLDevice <NSObject>
@property (readonly) NSString * name;
@property (readonly) BOOL hasUnifiedMemory STUB_SINCE(10.15, 13.0);
@property (readonly) MTLDeviceLocation location STUB_MAC_ONLY(10.15);
@property (readonly) uint64_t recommendedMaxWorkingSetSize STUB_SINCE(10.12, 16.0);
@property (readonly) NSUInteger currentAllocatedSize;
@property (readonly) NSUInteger maxBufferLength STUB_SINCE(10.14, 12.0);
@property (readonly) NSUInteger maxThreadgroupMemoryLength;
- (BOOL)supportsFamily:(MTLGPUFamily)family STUB_SINCE(10.15, 13.0);
- (nullable id<MTLCommandQueue>)newCommandQueue;
- (nullable id<MTLSharedEvent>)newSharedEvent STUB_SINCE(10.14, 12.0);
- (nullable id<MTLBuffer>)newBufferWithLength:(NSUInteger)length options:(MTLResourceOptions)options;
- (nullable id<MTLBuffer>)newBufferWithBytes:(const void *)bytes
                                      length:(NSUInteger)length
                                     options:(MTLResourceOptions)options;
- (nullable id<MTLBuffer>)newBufferWithBytesNoCopy:(void *)bytes
                                            length:(NSUInteger)length
                                           options:(MTLResourceOptions)options
                                       deallocator:(void (^ _Nullable)(void * bytes, NSUInteger length))deallocator;
- (nullable id<MTLLibrary>)newLibraryWithURL:(NSURL *)url error:(NSError * _Nullable * _Nullable)error;
- (nullable id<MTLLibrary>)newLibraryWithSource:(NSString *)source
                                        options:(nullable MTLCompileOptions *)options
                                          error:(NSError * _Nullable * _Nullable)error;
- (nullable id<MTLComputePipelineState>)newComputePipelineStateWithFunction:(id<MTLFunction>)function
                                                                      error:(NSError * _Nullable * _Nullable)error;
- (nullable id<MTLResidencySet>)newResidencySetWithDescriptor:(MTLResidencySetDescriptor *)descriptor
                                                        error:(NSError * _Nullable * _Nullable)error
    STUB_SINCE(15.0, 18.0);
@end

/* memory ---------------------------------------------------------------------------------------------------------- */

@protocol MTLAllocation <NSObject>
@end

@protocol MTLResource <MTLAllocation>
@end

@protocol MTLBuffer <MTLResource>
@end

STUB_SINCE(15.0, 18.0)
@interface MTLResidencySetDescriptor : NSObject <NSCopying>
@property (nullable, nonatomic, copy) NSString * label;
@property (nonatomic) NSUInteger initialCapacity;
@end

STUB_SINCE(15.0, 18.0)
@protocol MTLResidencySet <NSObject>
- (void)requestResidency;
- (void)endResidency;
- (void)addAllocation:(id<MTLAllocation>)allocation;
- (void)removeAllAllocations;
- (void)commit;
@end

/* libraries, functions, pipelines --------------------------------------------------------------------------------- */

@interface MTLCompileOptions : NSObject <NSCopying>
@property (nullable, readwrite, nonatomic, copy) NSDictionary<NSString *, NSObject *> * preprocessorMacros;
@property (readwrite, nonatomic) MTLLanguageVersion languageVersion;
@end

@interface MTLFunctionConstantValues : NSObject <NSCopying>
- (void)setConstantValue:(const void *)value type:(MTLDataType)type atIndex:(NSUInteger)index;
@end

@protocol MTLFunction <NSObject>
@end

@protocol MTLLibrary <NSObject>
@property (readonly) NSArray<NSString *> * functionNames;
- (nullable id<MTLFunction>)newFunctionWithName:(NSString *)name;
- (nullable id<MTLFunction>)newFunctionWithName:(NSString *)name
                                 constantValues:(MTLFunctionConstantValues *)values
                                          error:(NSError * _Nullable * _Nullable)error;
@end

@protocol MTLComputePipelineState <NSObject>
@property (readonly) NSUInteger maxTotalThreadsPerThreadgroup;
@property (readonly) NSUInteger threadExecutionWidth;
@end

/* commands -------------------------------------------------------------------------------------------------------- */

typedef NS_ENUM(NSUInteger, MTLCommandBufferStatus) {
    MTLCommandBufferStatusNotEnqueued = 0,
    MTLCommandBufferStatusEnqueued = 1,
    MTLCommandBufferStatusCommitted = 2,
    MTLCommandBufferStatusScheduled = 3,
    MTLCommandBufferStatusCompleted = 4,
    MTLCommandBufferStatusError = 5,
};

@protocol MTLEvent <NSObject>
@end

STUB_SINCE(10.14, 12.0)
@protocol MTLSharedEvent <MTLEvent>
- (BOOL)waitUntilSignaledValue:(uint64_t)value timeoutMS:(uint64_t)milliseconds STUB_SINCE(12.0, 15.0);
@end

@protocol MTLCommandQueue <NSObject>
- (nullable id<MTLCommandBuffer>)commandBuffer;
- (nullable id<MTLCommandBuffer>)commandBufferWithUnretainedReferences;
@end

typedef void (^MTLCommandBufferHandler)(id<MTLCommandBuffer>);

@protocol MTLCommandBuffer <NSObject>
@property (readonly) MTLCommandBufferStatus status;
@property (nullable, readonly) NSError * error;
- (nullable id<MTLBlitCommandEncoder>)blitCommandEncoder;
- (nullable id<MTLComputeCommandEncoder>)computeCommandEncoder;
- (nullable id<MTLComputeCommandEncoder>)computeCommandEncoderWithDispatchType:(MTLDispatchType)type
    STUB_SINCE(10.14, 12.0);
- (void)encodeSignalEvent:(id<MTLEvent>)event value:(uint64_t)value STUB_SINCE(10.14, 12.0);
- (void)encodeWaitForEvent:(id<MTLEvent>)event value:(uint64_t)value STUB_SINCE(10.14, 12.0);
- (void)addCompletedHandler:(MTLCommandBufferHandler)handler;
- (void)enqueue;
- (void)commit;
- (void)waitUntilCompleted;
@end

@protocol MTLCommandEncoder <NSObject>
- (void)pushDebugGroup:(NSString *)name;
- (void)popDebugGroup;
- (void)endEncoding;
@end

@protocol MTLBlitCommandEncoder <MTLCommandEncoder>
- (void)fillBuffer:(id<MTLBuffer>)buffer range:(NSRange)range value:(uint8_t)value;
- (void)copyFromBuffer:(id<MTLBuffer>)source
          sourceOffset:(NSUInteger)sourceOffset
              toBuffer:(id<MTLBuffer>)destination
     destinationOffset:(NSUInteger)destinationOffset
                  size:(NSUInteger)size;
@end

@protocol MTLComputeCommandEncoder <MTLCommandEncoder>
- (void)setComputePipelineState:(id<MTLComputePipelineState>)state;
- (void)setBytes:(const void *)bytes length:(NSUInteger)length atIndex:(NSUInteger)index;
- (void)setBuffer:(nullable id<MTLBuffer>)buffer offset:(NSUInteger)offset atIndex:(NSUInteger)index;
- (void)setThreadgroupMemoryLength:(NSUInteger)length atIndex:(NSUInteger)index;
- (void)dispatchThreadgroups:(MTLSize)groups threadsPerThreadgroup:(MTLSize)threads;
- (void)memoryBarrierWithScope:(MTLBarrierScope)scope STUB_SINCE(10.14, 12.0);
@end

/* captures -------------------------------------------------------------------------------------------------------- */

typedef NS_ENUM(NSInteger, MTLCaptureDestination) {
    MTLCaptureDestinationDeveloperTools = 1,
    MTLCaptureDestinationGPUTraceDocument = 2,
} STUB_SINCE(10.15, 13.0);

@protocol MTLCaptureScope <NSObject>
- (void)beginScope;
- (void)endScope;
@end

STUB_SINCE(10.15, 13.0)
@interface MTLCaptureDescriptor : NSObject <NSCopying>
@property (nonatomic, strong, nullable) id captureObject;
@property (nonatomic, assign) MTLCaptureDestination destination;
@property (nonatomic, copy, nullable) NSURL * outputURL;
@end

@interface MTLCaptureManager : NSObject
+ (MTLCaptureManager *)sharedCaptureManager;
- (id<MTLCaptureScope>)newCaptureScopeWithDevice:(id<MTLDevice>)device;
- (BOOL)startCaptureWithDescriptor:(MTLCaptureDescriptor *)descriptor
                             error:(NSError * _Nullable * _Nullable)error STUB_SINCE(10.15, 13.0);
- (void)stopCapture;
@end

#pragma clang assume_nonnull end
