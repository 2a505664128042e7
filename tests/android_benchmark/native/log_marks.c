/* Linked into tflbench with -Wl,--wrap=prctl: prints the marks that it makes to stderr. */
#include <stdarg.h>
#include <stdio.h>

int __wrap_prctl(int option, ...);

int __wrap_prctl(int option, ...)
{
    va_list values;
    va_start(values, option);
    unsigned long value = va_arg(values, unsigned long);
    va_end(values);
    fprintf(stderr, "mark %x %lx\n", (unsigned)option, value);
    return -1;
}
