#define _POSIX_C_SOURCE 200809L

#include "options.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum kind { TEXT, COUNT, SECONDS, SWITCH };

struct option_rule {
    const char *name;
    enum kind kind;
    size_t offset; /* of the field in struct options */
    double least;
    double most;
    const char *value;
    const char *help;
};

#define FIELD(name) offsetof(struct options, name)
#define DAY 86400.0
#define HELP_COLUMN 32

static const struct option_rule RULES[] = {
    {"graph", TEXT, FIELD(graph), 0, 0, "FILE", "model (.tflite); required"},
    {"library", TEXT, FIELD(library), 0, 0, "FILE",
     "library with the TFLite C API [./libLiteRtRuntimeCApi.so]"},
    {"input", TEXT, FIELD(input), 0, 0, "FILE",
     "raw bytes of the input tensors, one after the other [seeded noise]"},
    {"output", TEXT, FIELD(output), 0, 0, "FILE",
     "where to write the raw bytes of the output tensors [nowhere]"},
    {"num_threads", COUNT, FIELD(num_threads), 1, 256, "N", "threads [1]"},
    {"warmup_runs", COUNT, FIELD(warmup_runs), 0, 1e6, "N", "least number of warm-up runs [1]"},
    {"warmup_min_secs", SECONDS, FIELD(warmup_min_secs), 0, DAY, "S",
     "least duration of the warm-up [0.5]"},
    {"num_runs", COUNT, FIELD(num_runs), 1, 1e6, "N", "least number of measured runs [50]"},
    {"min_secs", SECONDS, FIELD(min_secs), 0, DAY, "S", "least duration of the measurement [1]"},
    {"max_secs", SECONDS, FIELD(max_secs), 1e-3, DAY, "S",
     "greatest duration, of warm-up and measurement each [150]"},
    {"run_delay", SECONDS, FIELD(run_delay), 0, DAY, "S", "pause between two runs [0]"},
    {"use_xnnpack", SWITCH, FIELD(use_xnnpack), 0, 0, "[BOOL]",
     "run on the XNNPACK delegate; fail where there is none [false]"},
    {"enable_op_profiling", SWITCH, FIELD(enable_op_profiling), 0, 0, "[BOOL]",
     "time every operator, in runs of their own [false]"},
    {"trace_ops", SWITCH, FIELD(trace_ops), 0, 0, "[BOOL]",
     "mark every operator of one more run, for a counting emulator [false]"},
    {"help", SWITCH, FIELD(help), 0, 0, "", "print this and exit"},
    {"version", SWITCH, FIELD(version), 0, 0, "", "print the version and exit"},
};
#define RULE_COUNT (sizeof RULES / sizeof RULES[0])

void complain(const char *format, ...)
{
    char line[1024];
    va_list values;
    va_start(values, format);
    (void)vsnprintf(line, sizeof line, format, values);
    va_end(values);
    for (char *c = line; *c; c++) {
        if (*c == '\n' || *c == '\r')
            *c = ' ';
    }
    fprintf(stderr, "tflbench: error: %s\n", line);
}

void options_print_help(void)
{
    puts("Run a TFLite model and print what was measured, one JSON object per line.\n\n"
         "  tflbench --graph=FILE [--OPTION=VALUE | --OPTION VALUE]…\n");
    for (size_t i = 0; i < RULE_COUNT; i++) {
        int width = printf("  --%s %s", RULES[i].name, RULES[i].value);
        printf("%*s%s\n", width < HELP_COLUMN ? HELP_COLUMN - width : 1, "", RULES[i].help);
    }
    puts("\nBoth minima of a phase must be met, unless the maximum comes first.\n"
         "Exit code: 0 done, 1 the engine failed, 2 wrong usage.\n\n"
         "Example:\n"
         "  tflbench --graph=model.tflite --num_threads=2 --use_xnnpack=true");
}

static const struct option_rule *find_rule(const char *name, size_t length)
{
    for (size_t i = 0; i < RULE_COUNT; i++) {
        if (strlen(RULES[i].name) == length && strncmp(RULES[i].name, name, length) == 0)
            return &RULES[i];
    }
    return NULL;
}

static bool parse_count(const char *text, const struct option_rule *rule, int *value)
{
    char *end = NULL;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (errno || end == text || *end || (double)number < rule->least || (double)number > rule->most)
        return false;
    *value = (int)number;
    return true;
}

static bool parse_seconds(const char *text, const struct option_rule *rule, double *value)
{
    char *end = NULL;
    double number = strtod(text, &end);
    if (end == text || *end || !isfinite(number) || number < rule->least || number > rule->most)
        return false;
    *value = number;
    return true;
}

static bool parse_switch(const char *text, bool *value)
{
    *value = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
    return *value || strcmp(text, "false") == 0 || strcmp(text, "0") == 0;
}

static enum exit_code store(struct options *options, const struct option_rule *rule,
                            const char *text)
{
    void *field = (char *)options + rule->offset;
    bool fits = true;
    switch (rule->kind) {
    case TEXT:
        fits = *text != '\0';
        *(const char **)field = text;
        if (!fits)
            complain("`--%s` needs a file. Received: an empty name.", rule->name);
        break;
    case COUNT:
        fits = parse_count(text, rule, field);
        if (!fits)
            complain("`--%s` must be a whole number from %.0f to %.0f. Received: %s.", rule->name,
                     rule->least, rule->most, text);
        break;
    case SECONDS:
        fits = parse_seconds(text, rule, field);
        if (!fits)
            complain("`--%s` must be seconds from %g to %g. Received: %s.", rule->name, rule->least,
                     rule->most, text);
        break;
    case SWITCH:
        fits = parse_switch(text, field);
        if (!fits)
            complain("`--%s` must be true or false. Received: %s.", rule->name, text);
        break;
    }
    return fits ? EXIT_DONE : EXIT_USAGE;
}

/* Stores argv[*position] and moves on past a value that stands apart. */
static enum exit_code parse_argument(struct options *options, int argc, char **argv, int *position)
{
    const char *argument = argv[*position];
    if (strncmp(argument, "--", 2) != 0) {
        complain("options begin with `--`; see --help. Received: %s.", argument);
        return EXIT_USAGE;
    }
    const char *name = argument + 2;
    size_t length = strcspn(name, "=");
    const struct option_rule *rule = find_rule(name, length);
    if (!rule) {
        complain("unknown option; see --help. Received: %s.", argument);
        return EXIT_USAGE;
    }
    const char *text = NULL;
    if (name[length] == '=') {
        text = name + length + 1;
    } else if (rule->kind == SWITCH) {
        text = "true";
    } else if (*position + 1 < argc) {
        text = argv[++*position];
    } else {
        complain("`--%s` needs a value.", rule->name);
        return EXIT_USAGE;
    }
    return store(options, rule, text);
}

static enum exit_code check_readable(const char *option, const char *path)
{
    struct stat facts;
    const char *reason = NULL;
    if (stat(path, &facts) != 0)
        reason = strerror(errno);
    else if (!S_ISREG(facts.st_mode))
        reason = "not a file";
    else if (access(path, R_OK) != 0)
        reason = strerror(errno);
    if (!reason)
        return EXIT_DONE;
    complain("`--%s` cannot be read: %s: %s.", option, path, reason);
    return EXIT_USAGE;
}

/* A wrong folder shall be told before the measurement, not after it. */
static enum exit_code check_folder(const char *option, const char *path)
{
    char folder[PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    if (slash && length < sizeof folder) {
        memcpy(folder, path, length);
        folder[length] = '\0';
        if (length == 0)
            memcpy(folder, "/", 2);
    }
    if (length < sizeof folder && access(folder, W_OK | X_OK) == 0)
        return EXIT_DONE;
    complain("`--%s` cannot be written: %s: %s.", option, path, strerror(errno));
    return EXIT_USAGE;
}

static enum exit_code check_files(const struct options *options)
{
    enum exit_code code = EXIT_DONE;
    if (!options->graph) {
        complain("`--graph` is required; see --help.");
        return EXIT_USAGE;
    }
    code = check_readable("graph", options->graph);
    /* A bare name is looked up by the loader, so its absence is not known here. */
    if (code == EXIT_DONE && strchr(options->library, '/'))
        code = check_readable("library", options->library);
    if (code == EXIT_DONE && options->input)
        code = check_readable("input", options->input);
    if (code == EXIT_DONE && options->output)
        code = check_folder("output", options->output);
    return code;
}

enum exit_code options_parse(struct options *options, int argc, char **argv)
{
    /* The defaults are those of TFLite's benchmark_model. */
    *options = (struct options){
        .library = "./libLiteRtRuntimeCApi.so",
        .num_threads = 1,
        .warmup_runs = 1,
        .warmup_min_secs = 0.5,
        .num_runs = 50,
        .min_secs = 1.0,
        .max_secs = 150.0,
    };
    for (int i = 1; i < argc; i++) {
        enum exit_code code = parse_argument(options, argc, argv, &i);
        if (code != EXIT_DONE)
            return code;
    }
    if (options->help || options->version)
        return EXIT_DONE;
    return check_files(options);
}
