/* A qemu plugin that counts the arm64 instructions of a program, by class.
 *
 *     qemu-aarch64 -plugin libcost.so,out=FILE PROGRAM …
 *
 * Counters only grow; FILE gets them, one JSON object per line, whenever the program makes one
 * of tflbench's marks (../clock.h), and between MARK_TRACE_BEGIN and MARK_TRACE_END also
 * whenever it asks for the time: XNNPACK's profiler does so after each of its operators.
 * Lines are written whole and at once, since tflbench forks for its profiling runs.
 *
 * Counters are added to without locks, so the counts of a program with several threads are
 * not exact; each line says how many threads there were. */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../clock.h"
#include "classes.h"
#include "qemu_plugin.h"

#define COST_FORMAT 1 /* of the output; a reader refuses any other */

/* Of arm64 Linux. */
enum { CALL_CLOCK_GETTIME = 113, CALL_PRCTL = 167 };

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static uint64_t counters[CLASS_COUNT];
static unsigned int threads;
static bool tracing;
static int output = -1;

/* --- Output --------------------------------------------------------------------------------- */

struct line {
    char text[512];
    size_t length;
};

__attribute__((format(printf, 2, 3))) static void append(struct line *line, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    size_t room = sizeof line->text - line->length;
    int length = vsnprintf(line->text + line->length, room, format, values);
    va_end(values);
    if (length > 0 && (size_t)length < room)
        line->length += (size_t)length;
}

static bool put(const struct line *line)
{
    return write(output, line->text, line->length) == (ssize_t)line->length;
}

static bool put_head(void)
{
    struct line line = {.length = 0};
    append(&line, "{\"event\":\"counter\",\"format\":%d,\"classes\":[", COST_FORMAT);
    for (size_t i = 0; i < CLASS_COUNT; i++)
        append(&line, "%s\"%s\"", i ? "," : "", CLASS_NAMES[i]);
    append(&line, "]}\n");
    return put(&line);
}

/* The end of a line; one that cannot be written is missed by the reader. */
static void put_counters(struct line *line)
{
    append(line, ",\"threads\":%u,\"counts\":[", threads);
    for (size_t i = 0; i < CLASS_COUNT; i++)
        append(line, "%s%" PRIu64, i ? "," : "", counters[i]);
    append(line, "]}\n");
    (void)put(line);
}

/* --- Callbacks of qemu ---------------------------------------------------------------------- */

static void on_thread(qemu_plugin_id_t id, unsigned int vcpu)
{
    (void)id, (void)vcpu;
    threads++;
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    uint64_t found[CLASS_COUNT] = {0};
    size_t count = qemu_plugin_tb_n_insns(tb);
    for (size_t i = 0; i < count; i++) {
        const unsigned char *bytes = qemu_plugin_insn_data(qemu_plugin_tb_get_insn(tb, i));
        found[classify((uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                       (uint32_t)bytes[3] << 24)]++;
    }
    for (size_t i = 0; i < CLASS_COUNT; i++) {
        if (found[i])
            qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &counters[i],
                                                     found[i]);
    }
}

static void on_call(qemu_plugin_id_t id, unsigned int vcpu, int64_t number, uint64_t a1,
                    uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7,
                    uint64_t a8)
{
    (void)id, (void)vcpu, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
    struct line line = {.length = 0};
    if (number == CALL_PRCTL && a1 == MARK_KEY) {
        tracing = a2 == MARK_TRACE_BEGIN || (tracing && a2 != MARK_TRACE_END);
        append(&line, "{\"event\":\"mark\",\"mark\":%" PRIu64, a2);
        put_counters(&line);
    } else if (number == CALL_CLOCK_GETTIME && tracing) {
        append(&line, "{\"event\":\"clock\"");
        put_counters(&line);
    }
}

/* --- Installation --------------------------------------------------------------------------- */

static int refuse(const char *why, const char *received)
{
    fprintf(stderr, "libcost: error: %s Received: %s.\n", why, received);
    return 1;
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
    static const char prefix[] = "out=";
    if (info->version.min > QEMU_PLUGIN_VERSION || info->version.cur < QEMU_PLUGIN_VERSION) {
        char received[64];
        (void)snprintf(received, sizeof received, "versions %d to %d", info->version.min,
                       info->version.cur);
        return refuse("qemu must take plugins of API version 1, as 7.2 does.", received);
    }
    if (info->system_emulation || strcmp(info->target_name, "aarch64") != 0)
        return refuse("only qemu-aarch64, the user mode, is supported.", info->target_name);
    if (argc != 1 || strncmp(argv[0], prefix, sizeof prefix - 1) != 0)
        return refuse("the only option is out=FILE.", argc ? argv[0] : "nothing");
    const char *path = argv[0] + sizeof prefix - 1;
    output = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
    if (output < 0 || !put_head())
        return refuse("`out` must be a file that can be written.", path);
    qemu_plugin_register_vcpu_init_cb(id, on_thread);
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_vcpu_syscall_cb(id, on_call);
    return 0;
}
