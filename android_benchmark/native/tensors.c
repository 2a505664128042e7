#define _POSIX_C_SOURCE 200809L

#include "tensors.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emit.h"

/* TfLiteType, by its number; the names are numpy's. */
static const char *const TYPE_NAMES[] = {
    NULL,       "float32",   "int32",  "uint8",   "int64",   "string",     "bool",
    "int16",    "complex64", "int8",   "float16", "float64", "complex128", "uint64",
    "resource", "variant",   "uint32", "uint16",  "int4",    "bfloat16",
};
#define FLOAT32 1

static const char *type_name(int type)
{
    size_t count = sizeof TYPE_NAMES / sizeof TYPE_NAMES[0];
    const char *name = type >= 0 && (size_t)type < count ? TYPE_NAMES[type] : NULL;
    return name ? name : "unknown";
}

static bool is_integer(int type)
{
    const char *name = type_name(type);
    if (strcmp(name, "int4") == 0)
        return false;
    return strncmp(name, "int", 3) == 0 || strncmp(name, "uint", 4) == 0;
}

/* FNV-1a, 64 bits. */
static uint64_t digest(const unsigned char *bytes, size_t size)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 1099511628211u;
    return hash;
}

static bool emit_tensor(const struct capi *api, const char *event, int index,
                        const TfLiteTensor *tensor, const char *source, const void *bytes)
{
    size_t size = api->TfLiteTensorByteSize(tensor);
    TfLiteQuantizationParams quantization = api->TfLiteTensorQuantizationParams(tensor);
    int64_t shape[16];
    int32_t rank = api->TfLiteTensorNumDims(tensor);
    if (rank < 0 || rank > 16) {
        complain("%s %d has a rank of %d; at most 16 is read.", event, index, rank);
        return false;
    }
    for (int32_t i = 0; i < rank; i++)
        shape[i] = api->TfLiteTensorDim(tensor, i);

    emit_open(event);
    emit_integer("index", index);
    emit_text("name", api->TfLiteTensorName(tensor));
    emit_text("dtype", type_name(api->TfLiteTensorType(tensor)));
    emit_integers("shape", shape, (size_t)rank);
    emit_number("scale", quantization.scale);
    emit_integer("zero_point", quantization.zero_point);
    emit_integer("size_bytes", (int64_t)size);
    if (source)
        emit_text("source", source);
    emit_digest("fnv1a64", digest(bytes, size));
    return emit_close();
}

/* --- Inputs --------------------------------------------------------------------------------- */

static bool fill_with_noise(int type, unsigned char *bytes, size_t size)
{
    uint32_t x = 12345;
    size_t step = type == FLOAT32 ? sizeof(float) : 1;
    if (type != FLOAT32 && !is_integer(type))
        return false;
    for (size_t i = 0; i + step <= size; i += step) {
        x = 1664525u * x + 1013904223u;
        if (type == FLOAT32) {
            float value = (float)(x >> 8) / 16777216.0f;
            memcpy(bytes + i, &value, sizeof value);
        } else {
            bytes[i] = (unsigned char)(x >> 24);
        }
    }
    return true;
}

static enum exit_code read_bytes(FILE *file, unsigned char *bytes, size_t size, int index)
{
    if (fread(bytes, 1, size, file) == size)
        return EXIT_DONE;
    complain("`--input` is too short: input %d alone takes %zu bytes.", index, size);
    return EXIT_USAGE;
}

static enum exit_code fill_one(const struct session *session, FILE *file, int index, bool report)
{
    const struct capi *api = session->api;
    TfLiteTensor *tensor = api->TfLiteInterpreterGetInputTensor(session->interpreter, index);
    size_t size = tensor ? api->TfLiteTensorByteSize(tensor) : 0;
    unsigned char *bytes = calloc(size ? size : 1, 1);
    if (!tensor || !bytes) {
        complain("no memory for input %d.", index);
        free(bytes);
        return EXIT_ENGINE;
    }
    enum exit_code code = EXIT_DONE;
    int type = api->TfLiteTensorType(tensor);
    if (file) {
        code = read_bytes(file, bytes, size, index);
    } else if (!fill_with_noise(type, bytes, size)) {
        complain("there is no noise of type %s for input %d; give --input.", type_name(type),
                 index);
        code = EXIT_USAGE;
    }
    if (code == EXIT_DONE && api->TfLiteTensorCopyFromBuffer(tensor, bytes, size) != 0) {
        complain("input %d cannot be filled.", index);
        code = EXIT_ENGINE;
    }
    if (code == EXIT_DONE && report &&
        !emit_tensor(api, "input", index, tensor, file ? "file" : "noise", bytes))
        code = EXIT_ENGINE;
    free(bytes);
    return code;
}

enum exit_code tensors_fill(const struct session *session, const char *path, bool report)
{
    FILE *file = path ? fopen(path, "rb") : NULL;
    if (path && !file) {
        complain("`--input` cannot be read: %s: %s.", path, strerror(errno));
        return EXIT_USAGE;
    }
    int count = session->api->TfLiteInterpreterGetInputTensorCount(session->interpreter);
    enum exit_code code = EXIT_DONE;
    for (int i = 0; i < count && code == EXIT_DONE; i++)
        code = fill_one(session, file, i, report);
    if (file && code == EXIT_DONE && fgetc(file) != EOF) {
        complain("`--input` is longer than the model's %d input(s) together.", count);
        code = EXIT_USAGE;
    }
    if (file)
        (void)fclose(file); /* it was only read */
    return code;
}

/* --- Outputs -------------------------------------------------------------------------------- */

static bool report_one(const struct session *session, FILE *file, int index)
{
    const struct capi *api = session->api;
    const TfLiteTensor *tensor = api->TfLiteInterpreterGetOutputTensor(session->interpreter, index);
    size_t size = tensor ? api->TfLiteTensorByteSize(tensor) : 0;
    const void *bytes = tensor ? api->TfLiteTensorData(tensor) : NULL;
    if (!tensor || (!bytes && size)) {
        complain("output %d has no data.", index);
        return false;
    }
    if (file && size && fwrite(bytes, 1, size, file) != size) {
        complain("`--output` cannot be written: %s.", strerror(errno));
        return false;
    }
    return emit_tensor(api, "output", index, tensor, NULL, bytes);
}

static bool report_all(const struct session *session, FILE *file)
{
    int count = session->api->TfLiteInterpreterGetOutputTensorCount(session->interpreter);
    for (int i = 0; i < count; i++) {
        if (!report_one(session, file, i))
            return false;
    }
    return true;
}

enum exit_code tensors_report(const struct session *session, const char *path)
{
    if (!path)
        return report_all(session, NULL) ? EXIT_DONE : EXIT_ENGINE;
    char part[PATH_MAX];
    int length = snprintf(part, sizeof part, "%s.part", path);
    FILE *file = length > 0 && (size_t)length < sizeof part ? fopen(part, "wb") : NULL;
    if (!file) {
        complain("`--output` cannot be written: %s: %s.", path, strerror(errno));
        return EXIT_ENGINE;
    }
    bool reported = report_all(session, file);
    bool closed = fclose(file) == 0;
    if (reported && closed && rename(part, path) == 0)
        return EXIT_DONE;
    if (reported)
        complain("`--output` cannot be written: %s: %s.", path, strerror(errno));
    (void)remove(part);
    return EXIT_ENGINE;
}
