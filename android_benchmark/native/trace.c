#include "trace.h"

#include <stdio.h>

#include "child.h"
#include "clock.h"
#include "emit.h"
#include "tensors.h"

struct trace {
    bool tracing;
    bool lost; /* an event could not be written */
    int64_t count;
    char name[96]; /* of the operator that runs */
    int64_t index;
    int64_t subgraph;
};

static void emit_op(struct trace *trace, const char *name, bool inside, int64_t index,
                    int64_t subgraph)
{
    emit_open("traced_op");
    emit_text("name", name);
    emit_switch("inside_delegate", inside);
    emit_integer("index", index);
    emit_integer("subgraph", subgraph);
    trace->lost = !emit_close() || trace->lost;
    trace->count++;
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
    struct trace *trace = profiler->data;
    if (trace->tracing) {
        (void)snprintf(trace->name, sizeof trace->name, "%s", name);
        trace->index = index;
        trace->subgraph = subgraph;
        mark(MARK_OP_BEGIN);
    }
    return 0;
}

static void on_end(TfLiteProfiler *profiler, uint32_t handle)
{
    (void)handle;
    struct trace *trace = profiler->data;
    if (trace->tracing) {
        mark(MARK_OP_END + (long)trace->count);
        emit_op(trace, trace->name, false, trace->index, trace->subgraph);
    }
}

static void on_timed(TfLiteProfiler *profiler, const char *name, uint64_t elapsed_us, int64_t index,
                     int64_t subgraph)
{
    (void)elapsed_us;
    struct trace *trace = profiler->data;
    if (trace->tracing)
        emit_op(trace, name, true, index, subgraph);
}

/* --- Runs ----------------------------------------------------------------------------------- */

static bool emit_summary(int64_t ops, const char *failure)
{
    emit_open("trace");
    emit_integer("ops", ops);
    emit_text("failure", failure);
    return emit_close();
}

static bool invoke(const struct session *session)
{
    return session->api->TfLiteInterpreterInvoke(session->interpreter) == 0;
}

/* The process ends without closing the session: XNNPACK's profiler may have overrun its memory
 * by then, and all that is still to be freed would find out. */
static enum exit_code trace_here(const struct capi *api, const struct options *options)
{
    struct trace trace = {0};
    TfLiteProfiler profiler = {
        .data = &trace,
        .event = on_event,
        .op_event = on_op_event,
        .settings = on_settings,
        .begin_op = on_begin,
        .end_op = on_end,
        .timed_op = on_timed,
    };
    struct session session;
    if (!session_open(&session, api, options, &profiler))
        return EXIT_ENGINE;
    if (tensors_fill(&session, options->input, false) != EXIT_DONE)
        return EXIT_ENGINE;
    if (!session.delegation.created && !invoke(&session))
        return EXIT_ENGINE;
    trace.tracing = true;
    mark(MARK_TRACE_BEGIN);
    bool good = invoke(&session);
    mark(MARK_TRACE_END);
    good = good && !trace.lost && emit_summary(trace.count, NULL);
    return good ? EXIT_DONE : EXIT_ENGINE;
}

bool trace_run(const struct capi *api, const struct options *options)
{
    char failure[CHILD_FAILURE];
    if (!api->TfLiteInterpreterOptionsSetTelemetryProfiler)
        return emit_summary(0, "the library has no profiler");
    return child_run(trace_here, api, options, failure) || emit_summary(0, failure);
}
