/* OpenMP where the compiler has it. */
#ifndef RDC_BASE_THREADS_H
#define RDC_BASE_THREADS_H

#include <stddef.h>

#ifdef _OPENMP
#include <omp.h>
#endif

/* Threads to use when `wanted` are asked for, 0 for as many as OpenMP would take. */
static inline int rdc_thread_count(unsigned wanted) {
#ifdef _OPENMP
    const int limit = omp_get_thread_limit();
    if (wanted == 0) return omp_get_max_threads();
    return wanted < (unsigned)limit ? (int)wanted : limit;
#else
    (void)wanted;
    return 1;
#endif
}

#define RDC_TOKENS_WORTH_THREADS 16

/* Threads for work on tokens that do not know of each other: few are done before other threads are there. */
static inline int rdc_threads_for(size_t tokens) {
    return tokens >= RDC_TOKENS_WORTH_THREADS ? rdc_thread_count(0) : 1;
}

/* Of the thread that asks, from 0 on. */
static inline size_t rdc_thread_number(void) {
#ifdef _OPENMP
    return (size_t)omp_get_thread_num();
#else
    return 0;
#endif
}

#endif
