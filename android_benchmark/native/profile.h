/* Time by operator, from the library's telemetry profiler. */
#ifndef TFLBENCH_PROFILE_H
#define TFLBENCH_PROFILE_H

#include "session.h"

/* Opens the model anew with a profiler, so that the measured runs never carry one, runs it
 * `num_runs` times (at most `max_secs`) after one run that is not counted, and prints the event
 * "op_profile" and one event "op" per operator.
 *
 * All that happens in a process of its own: a profiler is the least tested part of a library
 * (XNNPACK's in LiteRT 1.4.0 overruns its memory where three or more tensors are concatenated),
 * and what was measured before is worth more. Where it fails, a last "op_profile" says so.
 * False where the output cannot be written. */
bool profile_run(const struct capi *api, const struct options *options);

#endif
