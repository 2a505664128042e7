/* The part of the TFLite C API that tflbench calls, taken from a library at run time.
 *
 * Declared here by hand after tensorflow/lite/c/c_api.h, c_api_types.h, c_api_opaque.h,
 * c/common.h, delegates/xnnpack/xnnpack_delegate.h and profiling/telemetry/c/profiler.h
 * (Apache-2.0), so that one program fits any library and needs no header of it. */
#ifndef TFLBENCH_CAPI_H
#define TFLBENCH_CAPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct TfLiteModel TfLiteModel;
typedef struct TfLiteInterpreterOptions TfLiteInterpreterOptions;
typedef struct TfLiteInterpreter TfLiteInterpreter;
typedef struct TfLiteTensor TfLiteTensor;
typedef struct TfLiteContext TfLiteContext;
typedef struct TfLiteDelegate TfLiteDelegate;
typedef struct TfLiteProfiler TfLiteProfiler;
typedef struct TfLiteTelemetrySettings TfLiteTelemetrySettings;
typedef int TfLiteStatus; /* 0 is ok */

typedef struct TfLiteIntArray {
    int size;
    int data[];
} TfLiteIntArray;

typedef struct TfLiteQuantizationParams {
    float scale; /* 0 where the tensor is not quantized, or quantized per channel */
    int32_t zero_point;
} TfLiteQuantizationParams;

/* Only the fields up to the last one that is used: the library makes the object. */
struct TfLiteDelegate {
    void *data;
    TfLiteStatus (*prepare)(TfLiteContext *context, TfLiteDelegate *delegate);
};

/* The number of threads has always come first; what follows differs from release to release and
 * is passed back as the library filled it. The room is more than any release needs, and a
 * structure of this size is returned through memory, as the library's own is since TF 2.10. */
typedef struct TfLiteXNNPackDelegateOptions {
    int32_t num_threads;
    uint32_t rest[127];
} TfLiteXNNPackDelegateOptions;

/* TfLiteTelemetryProfilerStruct; its layout, as of TF 2.12 to LiteRT 1.4, is not promised. */
struct TfLiteProfiler {
    void *data;
    void (*event)(TfLiteProfiler *, const char *name, uint64_t status);
    void (*op_event)(TfLiteProfiler *, const char *name, int64_t op, int64_t subgraph,
                     uint64_t status);
    void (*settings)(TfLiteProfiler *, const char *name, const TfLiteTelemetrySettings *);
    uint32_t (*begin_op)(TfLiteProfiler *, const char *name, int64_t op, int64_t subgraph);
    void (*end_op)(TfLiteProfiler *, uint32_t handle);
    void (*timed_op)(TfLiteProfiler *, const char *name, uint64_t elapsed_us, int64_t op,
                     int64_t subgraph);
};

#define CAPI_REQUIRED(X)                                                                         \
    X(const char *, TfLiteVersion, (void))                                                       \
    X(TfLiteModel *, TfLiteModelCreateFromFile, (const char *))                                  \
    X(void, TfLiteModelDelete, (TfLiteModel *))                                                  \
    X(TfLiteInterpreterOptions *, TfLiteInterpreterOptionsCreate, (void))                        \
    X(void, TfLiteInterpreterOptionsDelete, (TfLiteInterpreterOptions *))                        \
    X(void, TfLiteInterpreterOptionsSetNumThreads, (TfLiteInterpreterOptions *, int32_t))        \
    X(void, TfLiteInterpreterOptionsAddDelegate, (TfLiteInterpreterOptions *, TfLiteDelegate *)) \
    X(TfLiteInterpreter *, TfLiteInterpreterCreate,                                              \
      (const TfLiteModel *, const TfLiteInterpreterOptions *))                                   \
    X(void, TfLiteInterpreterDelete, (TfLiteInterpreter *))                                      \
    X(TfLiteStatus, TfLiteInterpreterAllocateTensors, (TfLiteInterpreter *))                     \
    X(TfLiteStatus, TfLiteInterpreterInvoke, (TfLiteInterpreter *))                              \
    X(int32_t, TfLiteInterpreterGetInputTensorCount, (const TfLiteInterpreter *))                \
    X(TfLiteTensor *, TfLiteInterpreterGetInputTensor, (const TfLiteInterpreter *, int32_t))     \
    X(int32_t, TfLiteInterpreterGetOutputTensorCount, (const TfLiteInterpreter *))               \
    X(const TfLiteTensor *, TfLiteInterpreterGetOutputTensor,                                    \
      (const TfLiteInterpreter *, int32_t))                                                      \
    X(int, TfLiteTensorType, (const TfLiteTensor *))                                             \
    X(int32_t, TfLiteTensorNumDims, (const TfLiteTensor *))                                      \
    X(int32_t, TfLiteTensorDim, (const TfLiteTensor *, int32_t))                                 \
    X(size_t, TfLiteTensorByteSize, (const TfLiteTensor *))                                      \
    X(void *, TfLiteTensorData, (const TfLiteTensor *))                                          \
    X(const char *, TfLiteTensorName, (const TfLiteTensor *))                                    \
    X(TfLiteQuantizationParams, TfLiteTensorQuantizationParams, (const TfLiteTensor *))          \
    X(TfLiteStatus, TfLiteTensorCopyFromBuffer, (TfLiteTensor *, const void *, size_t))

/* NULL where the library lacks it. TfLiteContext stands for TfLiteOpaqueContext: by the API's
 * own word they are one object. */
#define CAPI_OPTIONAL(X)                                                                       \
    X(TfLiteXNNPackDelegateOptions, TfLiteXNNPackDelegateOptionsDefault, (void))               \
    X(TfLiteDelegate *, TfLiteXNNPackDelegateCreate, (const TfLiteXNNPackDelegateOptions *))   \
    X(void, TfLiteXNNPackDelegateDelete, (TfLiteDelegate *))                                   \
    X(TfLiteStatus, TfLiteOpaqueContextGetExecutionPlan, (TfLiteContext *, TfLiteIntArray **)) \
    X(void, TfLiteInterpreterOptionsSetTelemetryProfiler,                                      \
      (TfLiteInterpreterOptions *, TfLiteProfiler *))

struct capi {
    void *handle;
#define CAPI_FIELD(result, name, arguments) result(*name) arguments;
    CAPI_REQUIRED(CAPI_FIELD)
    CAPI_OPTIONAL(CAPI_FIELD)
#undef CAPI_FIELD
};

/* False, with a complaint, where the library cannot be loaded or lacks a required function.
 * The library stays loaded until the process ends: its own threads may outlive a dlclose. */
bool capi_load(struct capi *api, const char *library);

bool capi_has_xnnpack(const struct capi *api);

#endif
