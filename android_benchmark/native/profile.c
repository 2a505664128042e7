#include "profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "clock.h"
#include "emit.h"
#include "tensors.h"

struct op {
    char name[96];
    bool inside_delegate; /* timed by the delegate itself, in whole microseconds */
    int64_t index;
    int64_t subgraph;
    int64_t count;
    int64_t total_ns;
    int64_t begin_ns;
};

struct profile {
    struct op *ops; /* in the order of first appearance */
    size_t count;
    size_t capacity;
    size_t next; /* where the next operator is expected: runs repeat one order */
    bool counting;
    bool incomplete; /* memory ran out */
};

#define NO_OP UINT32_MAX

static bool is_op(const struct op *op, const char *name, bool inside, int64_t index,
                  int64_t subgraph)
{
    return op->index == index && op->subgraph == subgraph && op->inside_delegate == inside &&
           strncmp(op->name, name, sizeof op->name - 1) == 0;
}

static struct op *add_op(struct profile *profile)
{
    if (profile->count == profile->capacity) {
        size_t capacity = profile->capacity ? 2 * profile->capacity : 256;
        struct op *grown = realloc(profile->ops, capacity * sizeof *grown);
        if (!grown) {
            profile->incomplete = true;
            return NULL;
        }
        profile->ops = grown;
        profile->capacity = capacity;
    }
    struct op *op = &profile->ops[profile->count++];
    memset(op, 0, sizeof *op);
    return op;
}

static struct op *find_op(struct profile *profile, const char *name, bool inside, int64_t index,
                          int64_t subgraph)
{
    for (size_t i = 0; i < profile->count; i++) {
        size_t position = (profile->next + i) % profile->count;
        if (is_op(&profile->ops[position], name, inside, index, subgraph)) {
            profile->next = position + 1;
            return &profile->ops[position];
        }
    }
    struct op *op = add_op(profile);
    if (op) {
        (void)snprintf(op->name, sizeof op->name, "%s", name);
        op->inside_delegate = inside;
        op->index = index;
        op->subgraph = subgraph;
        profile->next = profile->count;
    }
    return op;
}

/* --- Callbacks of the library --------------------------------------------------------------- */

static void on_event(TfLiteProfiler *profiler, const char *name, uint64_t status)
{
    (void)profiler, (void)name, (void)status;
}

static void on_op_event(TfLiteProfiler *profiler, const char *name, int64_t op, int64_t subgraph,
                        uint64_t status)
{
    (void)profiler, (void)name, (void)op, (void)subgraph, (void)status;
}

static void on_settings(TfLiteProfiler *profiler, const char *name,
                        const TfLiteTelemetrySettings *settings)
{
    (void)profiler, (void)name, (void)settings;
}

static uint32_t on_begin(TfLiteProfiler *profiler, const char *name, int64_t index,
                         int64_t subgraph)
{
    struct profile *profile = profiler->data;
    struct op *op = profile->counting ? find_op(profile, name, false, index, subgraph) : NULL;
    if (!op)
        return NO_OP;
    mark(MARK_OP_BEGIN);
    op->begin_ns = now_ns();
    return (uint32_t)(op - profile->ops);
}

static void on_end(TfLiteProfiler *profiler, uint32_t handle)
{
    int64_t now = now_ns();
    struct profile *profile = profiler->data;
    if (!profile->counting || handle >= profile->count)
        return;
    mark(MARK_OP_END + (long)handle);
    struct op *op = &profile->ops[handle];
    op->total_ns += now - op->begin_ns;
    op->count++;
}

static void on_timed(TfLiteProfiler *profiler, const char *name, uint64_t elapsed_us, int64_t index,
                     int64_t subgraph)
{
    struct profile *profile = profiler->data;
    struct op *op = profile->counting ? find_op(profile, name, true, index, subgraph) : NULL;
    if (!op)
        return;
    op->total_ns += (int64_t)elapsed_us * 1000;
    op->count++;
}

/* --- Runs ----------------------------------------------------------------------------------- */

static bool invoke_all(const struct session *session, const struct options *options,
                       struct profile *profile, int *runs)
{
    const struct capi *api = session->api;
    bool good = api->TfLiteInterpreterInvoke(session->interpreter) == 0;
    profile->counting = true;
    int64_t begin = now_ns();
    while (good && *runs < options->num_runs &&
           (double)(now_ns() - begin) / 1e9 < options->max_secs) {
        profile->next = 0;
        good = api->TfLiteInterpreterInvoke(session->interpreter) == 0;
        ++*runs;
    }
    profile->counting = false;
    if (!good)
        complain("a profiling run failed.");
    return good;
}

static bool emit_summary(int runs, size_t ops, const char *failure)
{
    emit_open("op_profile");
    emit_integer("runs", runs);
    emit_integer("ops", (int64_t)ops);
    emit_text("failure", failure);
    return emit_close();
}

static bool emit_profile(const struct profile *profile, int runs)
{
    const char *failure = profile->incomplete ? "operators are missing: out of memory" : NULL;
    bool good = emit_summary(runs, profile->count, failure);
    for (size_t i = 0; i < profile->count && good; i++) {
        const struct op *op = &profile->ops[i];
        emit_open("op");
        emit_integer("position", (int64_t)i);
        emit_text("name", op->name);
        emit_switch("inside_delegate", op->inside_delegate);
        emit_integer("index", op->index);
        emit_integer("subgraph", op->subgraph);
        emit_integer("count", op->count);
        emit_integer("total_ns", op->total_ns);
        good = emit_close();
    }
    return good;
}

static enum exit_code profile_here(const struct capi *api, const struct options *options)
{
    struct profile profile = {0};
    TfLiteProfiler profiler = {
        .data = &profile,
        .event = on_event,
        .op_event = on_op_event,
        .settings = on_settings,
        .begin_op = on_begin,
        .end_op = on_end,
        .timed_op = on_timed,
    };
    int runs = 0;
    struct session session;
    enum exit_code code = EXIT_ENGINE;
    if (session_open(&session, api, options, &profiler))
        code = tensors_fill(&session, options->input, false);
    if (code == EXIT_DONE && !invoke_all(&session, options, &profile, &runs))
        code = EXIT_ENGINE;
    session_close(&session);
    if (code == EXIT_DONE && !emit_profile(&profile, runs))
        code = EXIT_ENGINE;
    free(profile.ops);
    return code;
}

bool profile_run(const struct capi *api, const struct options *options)
{
    char failure[CHILD_FAILURE];
    if (!api->TfLiteInterpreterOptionsSetTelemetryProfiler)
        return emit_summary(0, 0, "the library has no profiler");
    return child_run(profile_here, api, options, failure) || emit_summary(0, 0, failure);
}
