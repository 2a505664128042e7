#include "emit.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static void put_text(const char *text)
{
    putchar('"');
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '"' || *c == '\\')
            printf("\\%c", *c);
        else if (*c < 0x20 || *c == 0x7f)
            printf("\\u%04x", *c);
        else
            putchar(*c);
    }
    putchar('"');
}

void emit_open(const char *event)
{
    fputs("{\"event\":", stdout);
    put_text(event);
}

static void put_key(const char *key) { printf(",\"%s\":", key); }

void emit_null(const char *key)
{
    put_key(key);
    fputs("null", stdout);
}

void emit_text(const char *key, const char *value)
{
    if (!value) {
        emit_null(key);
        return;
    }
    put_key(key);
    put_text(value);
}

void emit_integer(const char *key, int64_t value)
{
    put_key(key);
    printf("%" PRId64, value);
}

void emit_number(const char *key, double value)
{
    if (!isfinite(value)) {
        emit_null(key);
        return;
    }
    put_key(key);
    printf("%.9g", value); /* enough digits to give any float back exactly */
}

void emit_switch(const char *key, bool value)
{
    put_key(key);
    fputs(value ? "true" : "false", stdout);
}

void emit_integers(const char *key, const int64_t *values, size_t count)
{
    put_key(key);
    putchar('[');
    for (size_t i = 0; i < count; i++)
        printf("%s%" PRId64, i ? "," : "", values[i]);
    putchar(']');
}

void emit_digest(const char *key, uint64_t fnv1a64)
{
    put_key(key);
    printf("\"%016" PRIx64 "\"", fnv1a64);
}

bool emit_close(void)
{
    fputs("}\n", stdout);
    return fflush(stdout) == 0 && !ferror(stdout);
}
