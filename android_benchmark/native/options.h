/* Command line of tflbench. */
#ifndef TFLBENCH_OPTIONS_H
#define TFLBENCH_OPTIONS_H

#include <stdbool.h>

enum exit_code { EXIT_DONE = 0, EXIT_ENGINE = 1, EXIT_USAGE = 2 };

struct options {
    const char *graph;
    const char *library;
    const char *input;  /* NULL: seeded noise */
    const char *output; /* NULL: digest only */
    int num_threads;
    int warmup_runs;
    int num_runs;
    double warmup_min_secs;
    double min_secs;
    double max_secs;
    double run_delay;
    bool use_xnnpack;
    bool enable_op_profiling;
    bool trace_ops;
    bool help;
    bool version;
};

/* Reads the command line and checks that the files it names are there.
 * Complains on stderr, in one line, where it returns EXIT_USAGE. */
enum exit_code options_parse(struct options *options, int argc, char **argv);

void options_print_help(void);

/* One line on stderr: "tflbench: error: …". */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
