/* Repeated inference under run rules, and its raw samples. */
#ifndef TFLBENCH_RUNS_H
#define TFLBENCH_RUNS_H

#include "session.h"

struct samples {
    int64_t *ns; /* in the order of the runs */
    size_t count;
    size_t capacity;
};

/* Each prints events "warmup" or "runs" of up to 64 samples while it goes on, between two runs,
 * so that a measurement that is cut off keeps what it had. False, with a complaint, where a run
 * fails. The samples are to be freed either way. */
bool runs_warm_up(const struct session *session, const struct options *options,
                  struct samples *samples);
bool runs_measure(const struct session *session, const struct options *options,
                  struct samples *samples);
void samples_free(struct samples *samples);

/* Prints the event "statistics". Percentiles are interpolated between the two nearest samples;
 * the standard deviation is the population's. */
bool samples_emit_statistics(const struct samples *samples);

#endif
