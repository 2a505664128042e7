#include "classes.h"

#include <stdbool.h>
#include <stddef.h>

const char *const CLASS_NAMES[CLASS_COUNT] = {"fma",    "simd",    "load_store",
                                              "branch", "integer", "other"};

/* Encodings are those of the Arm Architecture Reference Manual (DDI 0487), chapter C4: bits 28
 * to 25 tell the group. */
struct pattern {
    uint32_t mask;
    uint32_t value;
};

static const struct pattern FMA[] = {
    {0xFF000000, 0x1F000000}, /* FMADD, FMSUB, FNMADD, FNMSUB */
    {0xBF20FC00, 0x0E20CC00}, /* FMLA, FMLS (vector), single and double */
    {0xBF60FC00, 0x0E400C00}, /* FMLA, FMLS (vector), half */
    {0xAF80B400, 0x0F801000}, /* FMLA, FMLS (by element), single and double, vector and scalar */
    {0xAFC0B400, 0x0F001000}, /* FMLA, FMLS (by element), half, vector and scalar */
};

static const struct pattern SVE_FMA[] = {
    {0xFF200000, 0x65200000}, /* FMLA, FMLS, FMAD, FMSB and their negations, predicated */
    {0xFF20F800, 0x64200000}, /* FMLA, FMLS (by element) */
};

static bool matches(uint32_t word, const struct pattern *patterns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if ((word & patterns[i].mask) == patterns[i].value)
            return true;
    }
    return false;
}

static enum insn_class classify_simd(uint32_t word)
{
    return matches(word, FMA, sizeof FMA / sizeof FMA[0]) ? CLASS_FMA : CLASS_SIMD;
}

static enum insn_class classify_sve(uint32_t word)
{
    if (word >> 31)
        return CLASS_LOAD_STORE;
    return matches(word, SVE_FMA, sizeof SVE_FMA / sizeof SVE_FMA[0]) ? CLASS_FMA : CLASS_SIMD;
}

/* Hints, barriers, flags, MSR, MRS, SYS; and SVC and its like. The rest of the group branches. */
static bool is_system(uint32_t word)
{
    return (word & 0xFF000000) == 0xD5000000 || (word & 0xFF000000) == 0xD4000000;
}

enum insn_class classify(uint32_t word)
{
    uint32_t group = (word >> 25) & 0xF;
    if ((group & 0xE) == 0x8)
        return CLASS_INTEGER; /* with an immediate */
    if ((group & 0xE) == 0xA)
        return is_system(word) ? CLASS_OTHER : CLASS_BRANCH;
    if ((group & 0x5) == 0x4)
        return CLASS_LOAD_STORE;
    if ((group & 0x7) == 0x5)
        return CLASS_INTEGER; /* on registers */
    if ((group & 0x7) == 0x7)
        return classify_simd(word);
    if (group == 0x2)
        return classify_sve(word);
    return CLASS_OTHER;
}
