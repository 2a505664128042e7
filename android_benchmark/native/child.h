/* Work in a process of its own. */
#ifndef TFLBENCH_CHILD_H
#define TFLBENCH_CHILD_H

#include "capi.h"
#include "options.h"

enum { CHILD_FAILURE = 64 };

typedef enum exit_code child_work(const struct capi *api, const struct options *options);

/* Runs `work` where a crash of the library's profiler ends nothing else. False where it did not
 * come to its end; `failure` then says why. */
bool child_run(child_work *work, const struct capi *api, const struct options *options,
               char failure[CHILD_FAILURE]);

#endif
