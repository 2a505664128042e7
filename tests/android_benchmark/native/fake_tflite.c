/* A library with the part of the TFLite C API that tflbench calls, and a network that copies its
 * input of 1×2×4×1 values to its output. The "model file" is text that says how to misbehave:
 *
 *   type=N        element type of input and output (TfLiteType; 1 is float32)
 *   sleep_us=N    how long a run takes
 *   invoke=N      the Nth run fails
 *   rank=N        number of dimensions that the tensors claim
 *   model=0, interpreter=0, allocate=0, copy=0, data=0, plan=0   that step fails
 *   fallback=1    the delegate takes no node
 *   crash=1       a run with a profiler ends the process
 *
 * Thirteen threads are too many for its delegate. Compiled with -DNO_XNNPACK, -DNO_PROFILER or
 * -DNO_VERSION it lacks those functions. */
#define _POSIX_C_SOURCE 200809L

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ELEMENTS = 8, NODES = 3 };

typedef struct {
    char text[512];
} Model;

typedef struct Delegate {
    void *data;
    int (*prepare)(void *context, struct Delegate *delegate);
} Delegate;

typedef struct Profiler {
    void *data;
    void (*event)(struct Profiler *, const char *, uint64_t);
    void (*op_event)(struct Profiler *, const char *, int64_t, int64_t, uint64_t);
    void (*settings)(struct Profiler *, const char *, const void *);
    uint32_t (*begin_op)(struct Profiler *, const char *, int64_t, int64_t);
    void (*end_op)(struct Profiler *, uint32_t);
    void (*timed_op)(struct Profiler *, const char *, uint64_t, int64_t, int64_t);
} Profiler;

typedef struct {
    int threads;
    Delegate *delegate;
    Profiler *profiler;
} Options;

typedef struct {
    const char *name;
    int type;
    int rank;
    int broken_data;
    int broken_copy;
    size_t size;
    unsigned char *bytes;
} Tensor;

typedef struct {
    int size;
    int data[NODES + 1];
} Plan;

typedef struct {
    const Model *model;
    Profiler *profiler;
    Plan plan;
    int runs;
    Tensor input;
    Tensor output;
} Interpreter;

static long setting(const Model *model, const char *name, long absent)
{
    const char *found = strstr(model->text, name);
    return found ? strtol(found + strlen(name), NULL, 10) : absent;
}

#ifndef NO_VERSION
const char *TfLiteVersion(void)
{
    return "fake \"1\"";
}
#endif

Model *TfLiteModelCreateFromFile(const char *path)
{
    Model *model = calloc(1, sizeof *model);
    FILE *file = fopen(path, "r");
    if (file && model) {
        size_t length = fread(model->text, 1, sizeof model->text - 1, file);
        model->text[length] = '\0';
    }
    if (file)
        fclose(file);
    if (model && setting(model, "model=", 1) == 0) {
        fprintf(stderr, "ERROR: not a model\n");
        free(model);
        return NULL;
    }
    return model;
}

void TfLiteModelDelete(Model *model)
{
    free(model);
}

Options *TfLiteInterpreterOptionsCreate(void)
{
    return calloc(1, sizeof(Options));
}

void TfLiteInterpreterOptionsDelete(Options *options)
{
    free(options);
}

void TfLiteInterpreterOptionsSetNumThreads(Options *options, int32_t threads)
{
    options->threads = threads;
}

void TfLiteInterpreterOptionsAddDelegate(Options *options, Delegate *delegate)
{
    options->delegate = delegate;
}

static void make_tensor(Tensor *tensor, const Model *model, const char *name)
{
    static const size_t sizes[] = {0, 4, 4, 1, 8, 0, 1, 2, 8, 1, 2, 8, 16, 8, 0, 0, 4, 2, 1, 2};
    tensor->name = name;
    tensor->type = (int)setting(model, "type=", 1);
    tensor->rank = (int)setting(model, "rank=", 4);
    tensor->broken_data = setting(model, "data=", 1) == 0;
    tensor->broken_copy = setting(model, "copy=", 1) == 0;
    tensor->size = ELEMENTS * sizes[tensor->type];
    tensor->bytes = calloc(1, tensor->size ? tensor->size : 1);
}

void TfLiteInterpreterDelete(Interpreter *interpreter)
{
    free(interpreter->input.bytes);
    free(interpreter->output.bytes);
    free(interpreter);
}

Interpreter *TfLiteInterpreterCreate(const Model *model, const Options *options)
{
    if (setting(model, "interpreter=", 1) == 0)
        return NULL;
    Interpreter *made = calloc(1, sizeof *made);
    if (!made)
        return NULL;
    made->model = model;
    made->plan = (Plan){NODES, {0, 1, 2}};
#ifndef NO_PROFILER
    made->profiler = options->profiler;
#endif
    make_tensor(&made->input, model, "in \"quoted\" \\ \x01");
    make_tensor(&made->output, model, "out");
    if (options->delegate)
        options->delegate->prepare(made, options->delegate);
    return made;
}

int TfLiteInterpreterAllocateTensors(Interpreter *interpreter)
{
    return setting(interpreter->model, "allocate=", 1) == 0;
}

static void profile(Profiler *profiler)
{
    for (int i = 0; i < 2; i++) {
        uint32_t handle = profiler->begin_op(profiler, i ? "ADD" : "CONV_2D", i, 0);
        profiler->end_op(profiler, handle);
    }
    profiler->timed_op(profiler, "Copy (NC, X32)", 7, 0, 0);
    profiler->event(profiler, "Invoke", 0);
}

int TfLiteInterpreterInvoke(Interpreter *interpreter)
{
    long pause = setting(interpreter->model, "sleep_us=", 0);
    struct timespec left = {pause / 1000000, pause % 1000000 * 1000};
    if (pause)
        nanosleep(&left, NULL);
    if (interpreter->profiler && setting(interpreter->model, "crash=", 0))
        raise(SIGKILL);
    if (interpreter->profiler)
        profile(interpreter->profiler);
    memcpy(interpreter->output.bytes, interpreter->input.bytes, interpreter->output.size);
    return ++interpreter->runs == setting(interpreter->model, "invoke=", 0);
}

int32_t TfLiteInterpreterGetInputTensorCount(const Interpreter *interpreter)
{
    (void)interpreter;
    return 1;
}

Tensor *TfLiteInterpreterGetInputTensor(Interpreter *interpreter, int32_t index)
{
    return index == 0 ? &interpreter->input : NULL;
}

int32_t TfLiteInterpreterGetOutputTensorCount(const Interpreter *interpreter)
{
    (void)interpreter;
    return 1;
}

const Tensor *TfLiteInterpreterGetOutputTensor(const Interpreter *interpreter, int32_t index)
{
    return index == 0 ? &interpreter->output : NULL;
}

int TfLiteTensorType(const Tensor *tensor)
{
    return tensor->type;
}

int32_t TfLiteTensorNumDims(const Tensor *tensor)
{
    return tensor->rank;
}

int32_t TfLiteTensorDim(const Tensor *tensor, int32_t dimension)
{
    static const int32_t shape[] = {1, 2, 4, 1};
    (void)tensor;
    return shape[dimension % 4];
}

size_t TfLiteTensorByteSize(const Tensor *tensor)
{
    return tensor->size;
}

void *TfLiteTensorData(const Tensor *tensor)
{
    return tensor->broken_data ? NULL : tensor->bytes;
}

const char *TfLiteTensorName(const Tensor *tensor)
{
    return tensor->name;
}

typedef struct {
    float scale;
    int32_t zero_point;
} Quantization;

Quantization TfLiteTensorQuantizationParams(const Tensor *tensor)
{
    return tensor->type == 1 ? (Quantization){0, 0} : (Quantization){1.0f / 255, -128};
}

int TfLiteTensorCopyFromBuffer(Tensor *tensor, const void *bytes, size_t size)
{
    if (tensor->broken_copy || size != tensor->size)
        return 1;
    memcpy(tensor->bytes, bytes, size);
    return 0;
}

int TfLiteOpaqueContextGetExecutionPlan(Interpreter *context, Plan **plan)
{
    *plan = &context->plan;
    return setting(context->model, "plan=", 1) == 0;
}

#ifndef NO_PROFILER
void TfLiteInterpreterOptionsSetTelemetryProfiler(Options *options, Profiler *profiler)
{
    options->profiler = profiler;
}
#endif

#ifndef NO_XNNPACK
/* As in TF 2.10 and later: more than 16 bytes, the number of threads first. */
typedef struct {
    int32_t threads;
    uint32_t flags[3];
    void *cache;
    int last;
} DelegateOptions;

/* Two of three nodes become node 3. */
static int prepare(void *context, Delegate *delegate)
{
    Interpreter *interpreter = context;
    (void)delegate;
    if (setting(interpreter->model, "fallback=", 0) == 0)
        interpreter->plan = (Plan){2, {3, 2}};
    return 0;
}

DelegateOptions TfLiteXNNPackDelegateOptionsDefault(void)
{
    return (DelegateOptions){.last = 77};
}

Delegate *TfLiteXNNPackDelegateCreate(const DelegateOptions *options)
{
    Delegate *delegate = calloc(1, sizeof *delegate);
    if (!delegate || options->last != 77 || options->threads == 13) {
        free(delegate);
        return NULL;
    }
    delegate->prepare = prepare;
    return delegate;
}

void TfLiteXNNPackDelegateDelete(Delegate *delegate)
{
    free(delegate);
}
#endif
