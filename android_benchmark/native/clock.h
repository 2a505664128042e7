/* Time, and the marks that an instruction counter under an emulator can see. */
#ifndef TFLBENCH_CLOCK_H
#define TFLBENCH_CLOCK_H

#include <stdint.h>

int64_t now_ns(void); /* monotonic */
void sleep_seconds(double seconds);

/* Marks are calls of prctl(MARK_KEY, mark, 0, 0, 0). No kernel knows MARK_KEY, so anywhere but
 * under a counting emulator they fail at once with EINVAL, outside the timed interval. */
#define MARK_KEY 0x54464C42 /* "TFLB" */

enum mark {
    MARK_WARMUP = 1,         /* once, before the first warm-up run */
    MARK_MEASURE = 2,        /* once, before the first measured run */
    MARK_RUN_BEGIN = 3,      /* before each measured run, outside its two readings of the clock */
    MARK_RUN_END = 4,        /* after it */
    MARK_TRACE_BEGIN = 5,    /* before the run of --trace_ops */
    MARK_TRACE_END = 6,      /* after it */
    MARK_OP_BEGIN = 0x10000, /* before each operator of the profiling runs and of --trace_ops */
    MARK_OP_END = 0x20000,   /* + position of the operator among their events, after it */
};

void mark(long value);

#endif
