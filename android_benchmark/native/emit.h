/* Output of tflbench: one JSON object per line, its "event" first.
 *
 * Every line is flushed when it is complete, so what reached the reader before a crash, a
 * timeout or a lost cable is whole lines and at most one torn one. The last line of a complete
 * output is the event "end". Bytes of names are passed on as they are (UTF-8 in practice). */
#ifndef TFLBENCH_EMIT_H
#define TFLBENCH_EMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void emit_open(const char *event);
void emit_text(const char *key, const char *value); /* NULL becomes null */
void emit_integer(const char *key, int64_t value);
void emit_number(const char *key, double value); /* not finite becomes null */
void emit_switch(const char *key, bool value);
void emit_null(const char *key);
void emit_integers(const char *key, const int64_t *values, size_t count);
void emit_digest(const char *key, uint64_t fnv1a64);

/* Ends the line; false where it could not be written. */
bool emit_close(void);

#endif
