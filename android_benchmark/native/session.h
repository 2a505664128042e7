/* A model that is ready to run: loaded, delegated, allocated. */
#ifndef TFLBENCH_SESSION_H
#define TFLBENCH_SESSION_H

#include "capi.h"
#include "options.h"

struct delegation {
    bool created;
    bool counted;   /* false where the library does not tell; the numbers are then 0 */
    int nodes;      /* of the model, over all its subgraphs */
    int delegated;  /* of them, run by the delegate */
    int partitions; /* delegate nodes that replace them */
};

struct session {
    const struct capi *api;
    TfLiteModel *model;
    TfLiteDelegate *delegate;
    TfLiteInterpreterOptions *options;
    TfLiteInterpreter *interpreter;
    struct delegation delegation;
    int64_t model_ns;
    int64_t interpreter_ns; /* with the delegate's own preparation */
    int64_t allocate_ns;
};

/* Opens the model; `profiler` may be NULL. False, with a complaint, where a step fails; the
 * session is to be closed either way. */
bool session_open(struct session *session, const struct capi *api, const struct options *options,
                  TfLiteProfiler *profiler);
void session_close(struct session *session);

/* Prints the events "init" and "delegate". */
bool session_emit(const struct session *session);

#endif
