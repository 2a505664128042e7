/* Kinds of arm64 instructions. */
#ifndef COST_CLASSES_H
#define COST_CLASSES_H

#include <stdint.h>

enum insn_class {
    CLASS_FMA,        /* floating-point multiply-add, one vector or scalar instruction each */
    CLASS_SIMD,       /* all other computing on vector and floating-point registers */
    CLASS_LOAD_STORE, /* loads and stores, of either kind of register */
    CLASS_BRANCH,     /* branches, calls and returns */
    CLASS_INTEGER,    /* computing on general registers */
    CLASS_OTHER,      /* system instructions: barriers, hints, calls of the kernel */
    CLASS_COUNT
};

extern const char *const CLASS_NAMES[CLASS_COUNT];

/* The class of an instruction, by its encoding. */
enum insn_class classify(uint32_t word);

#endif
