#define _POSIX_C_SOURCE 200809L

#include "clock.h"

#include <errno.h>
#include <sys/prctl.h>
#include <time.h>

int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock and this address */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void sleep_seconds(double seconds)
{
    struct timespec left = {.tv_sec = (time_t)seconds};
    left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

void mark(long value) { (void)prctl(MARK_KEY, (unsigned long)value, 0UL, 0UL, 0UL); }
