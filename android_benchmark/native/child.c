#define _POSIX_C_SOURCE 200809L

#include "child.h"

#include <errno.h>
#include <stdio.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static bool wait_for(pid_t child, char failure[CHILD_FAILURE])
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        if (errno == EINTR)
            continue;
        (void)snprintf(failure, CHILD_FAILURE, "the profiling process was lost");
        return false;
    }
    if (WIFSIGNALED(status))
        (void)snprintf(failure, CHILD_FAILURE, "the library's profiler crashed with signal %d",
                       WTERMSIG(status));
    else
        (void)snprintf(failure, CHILD_FAILURE, "the profiling process failed");
    return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_DONE;
}

bool child_run(child_work *work, const struct capi *api, const struct options *options,
               char failure[CHILD_FAILURE])
{
    if (fflush(stdout) != 0) { /* or the child would print it again */
        (void)snprintf(failure, CHILD_FAILURE, "the standard output cannot be written");
        return false;
    }
    pid_t child = fork();
    if (child == 0)
        _exit((int)work(api, options));
    if (child < 0) {
        (void)snprintf(failure, CHILD_FAILURE, "the profiling process cannot be started");
        return false;
    }
    return wait_for(child, failure);
}
