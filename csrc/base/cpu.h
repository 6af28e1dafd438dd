/* What kernels are compiled for. They are chosen at import, so function attributes name their CPUs, never the build's flags. */
#ifndef RDC_BASE_CPU_H
#define RDC_BASE_CPU_H

#include "rdc.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define RDC_X86 1
#define RDC_TARGET_AVX2 __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt")))
#define RDC_TARGET_AVX512 \
    __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,avx512vnni")))
#else
#define RDC_X86 0
#endif

/* For loops that are compiled once a class: they take on the target of the function that they become part of. */
#ifdef __GNUC__
#define RDC_ALWAYS_INLINE inline __attribute__((always_inline))
#else
#define RDC_ALWAYS_INLINE inline
#endif

/* Has the compiler read memory from here on, not what it knows of it. */
#ifdef __GNUC__
#define RDC_FORGET_MEMORY() __asm__ volatile("" ::: "memory")
#else
#define RDC_FORGET_MEMORY() (void)0
#endif

/* Every 64-bit ARM has NEON; the kernels take bytes in little-endian order. */
#if defined(__aarch64__) && defined(__GNUC__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define RDC_ARM 1
#else
#define RDC_ARM 0
#endif

#endif
