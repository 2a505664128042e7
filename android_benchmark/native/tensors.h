/* What goes into a model and what comes out of it. */
#ifndef TFLBENCH_TENSORS_H
#define TFLBENCH_TENSORS_H

#include "session.h"

/* Fills every input from `path`, the raw bytes of all inputs one after the other, or with noise
 * where it is NULL. With `report`, prints one event "input" each.
 *
 * Noise: for each input anew, x = 12345; each draw is x = (1664525 x + 1013904223) mod 2^32. A
 * float32 is (x >> 8) / 2^24, so from 0 to below 1; of an integer type each byte in memory is
 * x >> 24, so the whole range occurs. Other types need a file. */
enum exit_code tensors_fill(const struct session *session, const char *path, bool report);

/* Prints one event "output" each and writes their raw bytes, one after the other, to `path`
 * unless it is NULL; the file appears under its name only when it is complete. */
enum exit_code tensors_report(const struct session *session, const char *path);

#endif
