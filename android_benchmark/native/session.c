#include "session.h"

#include <string.h>

#include "clock.h"
#include "emit.h"

/* The C API does not say how many nodes a delegate took. The execution plan does, before and
 * after the delegate's `prepare`, which is the only moment at which it may be asked. So that
 * callback is wrapped; it has no argument of ours, hence the static variable. */
static struct {
    const struct capi *api;
    TfLiteStatus (*prepare)(TfLiteContext *context, TfLiteDelegate *delegate);
    struct delegation *delegation;
} wrapped;

static const TfLiteIntArray *plan_of(TfLiteContext *context)
{
    TfLiteIntArray *plan = NULL;
    if (wrapped.api->TfLiteOpaqueContextGetExecutionPlan(context, &plan) != 0)
        return NULL;
    return plan;
}

static TfLiteStatus counting_prepare(TfLiteContext *context, TfLiteDelegate *delegate)
{
    struct delegation *delegation = wrapped.delegation;
    const TfLiteIntArray *plan = plan_of(context);
    int nodes = plan ? plan->size : 0;
    int last = -1;
    for (int i = 0; i < nodes; i++)
        last = plan->data[i] > last ? plan->data[i] : last;

    TfLiteStatus status = wrapped.prepare(context, delegate);

    const TfLiteIntArray *after = plan_of(context);
    if (!plan || !after) {
        delegation->counted = false;
        return status;
    }
    /* Nodes of a delegate are new, so they are numbered after all others. */
    int partitions = 0;
    for (int i = 0; i < after->size; i++)
        partitions += after->data[i] > last;
    delegation->nodes += nodes;
    delegation->partitions += partitions;
    delegation->delegated += nodes - (after->size - partitions);
    return status;
}

static void count_nodes(struct session *session)
{
    if (!session->api->TfLiteOpaqueContextGetExecutionPlan)
        return;
    session->delegation.counted = true;
    wrapped.api = session->api;
    wrapped.prepare = session->delegate->prepare;
    wrapped.delegation = &session->delegation;
    session->delegate->prepare = counting_prepare;
}

static bool add_xnnpack(struct session *session, int num_threads)
{
    const struct capi *api = session->api;
    if (!capi_has_xnnpack(api)) {
        complain("`--use_xnnpack` was given, but the library has no XNNPACK delegate.");
        return false;
    }
    TfLiteXNNPackDelegateOptions options = api->TfLiteXNNPackDelegateOptionsDefault();
    options.num_threads = num_threads;
    session->delegate = api->TfLiteXNNPackDelegateCreate(&options);
    if (!session->delegate) {
        complain("the XNNPACK delegate cannot be created.");
        return false;
    }
    session->delegation.created = true;
    count_nodes(session);
    api->TfLiteInterpreterOptionsAddDelegate(session->options, session->delegate);
    return true;
}

static bool create_interpreter(struct session *session, const struct options *options,
                               TfLiteProfiler *profiler)
{
    const struct capi *api = session->api;
    session->options = api->TfLiteInterpreterOptionsCreate();
    if (!session->options) {
        complain("the interpreter's options cannot be created.");
        return false;
    }
    api->TfLiteInterpreterOptionsSetNumThreads(session->options, options->num_threads);
    if (profiler)
        api->TfLiteInterpreterOptionsSetTelemetryProfiler(session->options, profiler);
    if (options->use_xnnpack && !add_xnnpack(session, options->num_threads))
        return false;
    session->interpreter = api->TfLiteInterpreterCreate(session->model, session->options);
    if (!session->interpreter) {
        complain("the interpreter cannot be created for %s.", options->graph);
        return false;
    }
    return true;
}

bool session_open(struct session *session, const struct capi *api, const struct options *options,
                  TfLiteProfiler *profiler)
{
    memset(session, 0, sizeof *session);
    session->api = api;
    int64_t begin = now_ns();
    session->model = api->TfLiteModelCreateFromFile(options->graph);
    int64_t loaded = now_ns();
    if (!session->model) {
        complain("the model cannot be loaded: %s.", options->graph);
        return false;
    }
    if (!create_interpreter(session, options, profiler))
        return false;
    int64_t created = now_ns();
    if (api->TfLiteInterpreterAllocateTensors(session->interpreter) != 0) {
        complain("the tensors cannot be allocated for %s.", options->graph);
        return false;
    }
    session->model_ns = loaded - begin;
    session->interpreter_ns = created - loaded;
    session->allocate_ns = now_ns() - created;
    return true;
}

void session_close(struct session *session)
{
    const struct capi *api = session->api;
    if (session->interpreter)
        api->TfLiteInterpreterDelete(session->interpreter);
    if (session->delegate)
        api->TfLiteXNNPackDelegateDelete(session->delegate);
    if (session->options)
        api->TfLiteInterpreterOptionsDelete(session->options);
    if (session->model)
        api->TfLiteModelDelete(session->model);
    memset(session, 0, sizeof *session);
}

static void emit_count(const char *key, bool known, int value)
{
    if (known)
        emit_integer(key, value);
    else
        emit_null(key);
}

bool session_emit(const struct session *session)
{
    emit_open("init");
    emit_integer("model_ns", session->model_ns);
    emit_integer("interpreter_ns", session->interpreter_ns);
    emit_integer("allocate_ns", session->allocate_ns);
    if (!emit_close())
        return false;

    const struct delegation *delegation = &session->delegation;
    emit_open("delegate");
    emit_text("name", delegation->created ? "XNNPACK" : NULL);
    emit_count("nodes", delegation->counted, delegation->nodes);
    emit_count("delegated_nodes", delegation->counted, delegation->delegated);
    emit_count("partitions", delegation->counted, delegation->partitions);
    return emit_close();
}
