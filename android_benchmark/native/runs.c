#include "runs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "emit.h"

enum { CHUNK = 64 };

static bool keep(struct samples *samples, int64_t ns)
{
    if (samples->count == samples->capacity) {
        size_t capacity = samples->capacity ? 2 * samples->capacity : 1024;
        int64_t *grown = realloc(samples->ns, capacity * sizeof *grown);
        if (!grown) {
            complain("no memory for %zu samples.", capacity);
            return false;
        }
        samples->ns = grown;
        samples->capacity = capacity;
    }
    samples->ns[samples->count++] = ns;
    return true;
}

static bool emit_samples(const char *event, const struct samples *samples, size_t first)
{
    emit_open(event);
    emit_integer("first", (int64_t)first);
    emit_integers("samples_ns", samples->ns + first, samples->count - first);
    return emit_close();
}

struct phase {
    const char *event;
    int least_runs;
    double least_secs;
    bool marked;
};

static bool run_once(const struct session *session, const struct phase *phase,
                     struct samples *samples)
{
    if (phase->marked)
        mark(MARK_RUN_BEGIN);
    int64_t begin = now_ns();
    TfLiteStatus status = session->api->TfLiteInterpreterInvoke(session->interpreter);
    int64_t end = now_ns();
    if (phase->marked)
        mark(MARK_RUN_END);
    if (status != 0) {
        complain("run %zu of the phase \"%s\" failed with status %d.", samples->count + 1,
                 phase->event, status);
        return false;
    }
    return keep(samples, end - begin);
}

static bool repeat(const struct session *session, const struct options *options,
                   const struct phase *phase, struct samples *samples)
{
    size_t printed = 0;
    double elapsed = 0;
    bool good = true;
    int64_t begin = now_ns();
    while (good && elapsed < options->max_secs &&
           (samples->count < (size_t)phase->least_runs || elapsed < phase->least_secs)) {
        if (samples->count && options->run_delay > 0)
            sleep_seconds(options->run_delay);
        good = run_once(session, phase, samples);
        if (good && samples->count - printed == CHUNK) {
            good = emit_samples(phase->event, samples, printed);
            printed = samples->count;
        }
        elapsed = (double)(now_ns() - begin) / 1e9;
    }
    if (samples->count > printed)
        return emit_samples(phase->event, samples, printed) && good;
    return good;
}

bool runs_warm_up(const struct session *session, const struct options *options,
                  struct samples *samples)
{
    const struct phase phase = {
        .event = "warmup",
        .least_runs = options->warmup_runs,
        .least_secs = options->warmup_min_secs,
    };
    mark(MARK_WARMUP);
    return repeat(session, options, &phase, samples);
}

bool runs_measure(const struct session *session, const struct options *options,
                  struct samples *samples)
{
    const struct phase phase = {
        .event = "runs",
        .least_runs = options->num_runs,
        .least_secs = options->min_secs,
        .marked = true,
    };
    mark(MARK_MEASURE);
    return repeat(session, options, &phase, samples);
}

void samples_free(struct samples *samples)
{
    free(samples->ns);
    memset(samples, 0, sizeof *samples);
}

/* --- Statistics ----------------------------------------------------------------------------- */

static int by_size(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static double percentile(const int64_t *sorted, size_t count, double share)
{
    double position = share * (double)(count - 1);
    size_t below = (size_t)position;
    size_t above = below + 1 < count ? below + 1 : below;
    double rest = position - (double)below;
    return (double)sorted[below] + rest * (double)(sorted[above] - sorted[below]);
}

static void emit_moments(const int64_t *ns, size_t count)
{
    double sum = 0;
    double squares = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)ns[i];
    double mean = sum / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += ((double)ns[i] - mean) * ((double)ns[i] - mean);
    emit_number("mean_ns", mean);
    emit_number("std_ns", sqrt(squares / (double)count));
}

bool samples_emit_statistics(const struct samples *samples)
{
    size_t count = samples->count;
    if (count == 0) {
        complain("there is no sample.");
        return false;
    }
    int64_t *sorted = malloc(count * sizeof *sorted);
    if (!sorted) {
        complain("no memory for %zu samples.", count);
        return false;
    }
    memcpy(sorted, samples->ns, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_size);
    emit_open("statistics");
    emit_integer("count", (int64_t)count);
    emit_moments(samples->ns, count);
    emit_integer("min_ns", sorted[0]);
    emit_number("p5_ns", percentile(sorted, count, 0.05));
    emit_number("median_ns", percentile(sorted, count, 0.50));
    emit_number("p90_ns", percentile(sorted, count, 0.90));
    emit_number("p95_ns", percentile(sorted, count, 0.95));
    emit_number("p99_ns", percentile(sorted, count, 0.99));
    emit_integer("max_ns", sorted[count - 1]);
    free(sorted);
    return emit_close();
}
