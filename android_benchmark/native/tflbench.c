/* tflbench: run a TFLite model through the C API of any library and print raw samples.
 *
 * Events in order: start, init, delegate, input…, warmup…, runs…, statistics, memory, output…,
 * op_profile and op… (if asked for), traced_op… and trace (if asked for), end. */
#include <stdio.h>

#include "capi.h"
#include "emit.h"
#include "memory.h"
#include "options.h"
#include "profile.h"
#include "runs.h"
#include "session.h"
#include "tensors.h"
#include "trace.h"

#define TFLBENCH_VERSION "1.1.0"
#define TFLBENCH_FORMAT 1 /* of the output; a reader refuses any other */

struct counts {
    size_t warmup_runs;
    size_t runs;
    int inputs;
    int outputs;
};

static bool emit_start(const struct capi *api, const struct options *options)
{
    emit_open("start");
    emit_integer("format", TFLBENCH_FORMAT);
    emit_text("version", TFLBENCH_VERSION);
    emit_text("runtime", api->TfLiteVersion());
    emit_text("library", options->library);
    emit_text("graph", options->graph);
    emit_integer("num_threads", options->num_threads);
    emit_integer("warmup_runs", options->warmup_runs);
    emit_number("warmup_min_secs", options->warmup_min_secs);
    emit_integer("num_runs", options->num_runs);
    emit_number("min_secs", options->min_secs);
    emit_number("max_secs", options->max_secs);
    emit_number("run_delay", options->run_delay);
    emit_switch("use_xnnpack", options->use_xnnpack);
    emit_switch("enable_op_profiling", options->enable_op_profiling);
    return emit_close();
}

static bool emit_memory(int64_t start_bytes, int64_t init_bytes)
{
    emit_open("memory");
    emit_integer("start_peak_bytes", start_bytes);
    emit_integer("init_peak_bytes", init_bytes);
    emit_integer("peak_bytes", memory_peak_bytes());
    return emit_close();
}

static bool emit_end(const struct counts *counts)
{
    emit_open("end");
    emit_integer("warmup_runs", (int64_t)counts->warmup_runs);
    emit_integer("runs", (int64_t)counts->runs);
    emit_integer("inputs", counts->inputs);
    emit_integer("outputs", counts->outputs);
    return emit_close();
}

static bool run_phases(const struct session *session, const struct options *options,
                       struct counts *counts)
{
    struct samples warmup = {0};
    struct samples measured = {0};
    bool good = runs_warm_up(session, options, &warmup) &&
                runs_measure(session, options, &measured) && samples_emit_statistics(&measured);
    counts->warmup_runs = warmup.count;
    counts->runs = measured.count;
    samples_free(&warmup);
    samples_free(&measured);
    return good;
}

static enum exit_code measure(const struct session *session, const struct options *options,
                              int64_t start_bytes, struct counts *counts)
{
    const struct capi *api = session->api;
    int64_t init_bytes = memory_peak_bytes();
    counts->inputs = api->TfLiteInterpreterGetInputTensorCount(session->interpreter);
    counts->outputs = api->TfLiteInterpreterGetOutputTensorCount(session->interpreter);
    if (!session_emit(session))
        return EXIT_ENGINE;
    enum exit_code code = tensors_fill(session, options->input, true);
    if (code != EXIT_DONE)
        return code;
    if (!run_phases(session, options, counts) || !emit_memory(start_bytes, init_bytes))
        return EXIT_ENGINE;
    return tensors_report(session, options->output);
}

static enum exit_code run(const struct options *options)
{
    struct capi api;
    struct session session;
    struct counts counts = {0};
    int64_t start_bytes = memory_peak_bytes();
    if (!capi_load(&api, options->library) || !emit_start(&api, options))
        return EXIT_ENGINE;
    enum exit_code code = EXIT_ENGINE;
    if (session_open(&session, &api, options, NULL))
        code = measure(&session, options, start_bytes, &counts);
    session_close(&session);
    if (code != EXIT_DONE)
        return code;
    if (options->enable_op_profiling && !profile_run(&api, options))
        return EXIT_ENGINE;
    if (options->trace_ops && !trace_run(&api, options))
        return EXIT_ENGINE;
    return emit_end(&counts) ? EXIT_DONE : EXIT_ENGINE;
}

int main(int argc, char **argv)
{
    struct options options;
    enum exit_code code = options_parse(&options, argc, argv);
    if (code != EXIT_DONE)
        return (int)code;
    if (options.help)
        options_print_help();
    else if (options.version)
        printf("tflbench %s, output format %d\n", TFLBENCH_VERSION, TFLBENCH_FORMAT);
    else
        code = run(&options);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        complain("the standard output cannot be written.");
        return EXIT_ENGINE;
    }
    return (int)code;
}
