/* Preloaded into the counted program: a clock that only its own readings move, 1 µs each.
 *
 * Ruy, the library of the built-in kernels, looks anew at the processor after some time, which
 * under an emulator on a busy computer comes earlier or later; so counts would differ. The kernel is
 * asked all the same, for the counter to see: XNNPACK's profiler marks its operators so. */
#define _GNU_SOURCE

#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { STEP_NS = 1000, SECOND_NS = 1000000000 };

static int64_t next_ns(void)
{
    static int64_t now = SECOND_NS; /* counted programs have one thread */
    return now += STEP_NS;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    if (syscall(SYS_clock_gettime, clock, time) != 0)
        return -1;
    int64_t now = next_ns();
    time->tv_sec = now / SECOND_NS;
    time->tv_nsec = now % SECOND_NS;
    return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    (void)zone;
    int64_t now = next_ns();
    time->tv_sec = now / SECOND_NS;
    time->tv_usec = now % SECOND_NS / 1000;
    return 0;
}
