/* Which operators ran, in order, for a counting emulator that sees the marks between them. */
#ifndef TFLBENCH_TRACE_H
#define TFLBENCH_TRACE_H

#include "session.h"

/* Opens the model anew with a profiler and runs it once between MARK_TRACE_BEGIN and
 * MARK_TRACE_END, or, without a delegate, once more before that: built-in kernels prepare their
 * weights in their first run. Prints an event "traced_op" per operator when it has run, and
 * "trace" last. Operators inside a delegate are told together after the delegate's run; each of
 * their kernels ends with a reading of the clock, which XNNPACK's profiler makes.
 *
 * In a process of its own, like profile_run, and for the same reason. False where the output
 * cannot be written. */
bool trace_run(const struct capi *api, const struct options *options);

#endif
