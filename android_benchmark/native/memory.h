/* Memory of this process. */
#ifndef TFLBENCH_MEMORY_H
#define TFLBENCH_MEMORY_H

#include <stdint.h>

/* Greatest resident set so far (VmHWM), in bytes; 0 where the system does not say. Under a
 * user-mode emulator it is the emulator's. */
int64_t memory_peak_bytes(void);

#endif
