/* OpenMP where the compiler has it. Every parallel region takes its number of threads from here. */
#ifndef RDC_BASE_THREADS_H
#define RDC_BASE_THREADS_H

#include <stddef.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#define RDC_MOST_THREADS 1024

/* Threads that there may be when `wanted` are asked for, 0 for as many as OpenMP would take. 1 in a forked process: the threads that
 * OpenMP keeps for the next region did not come along, and a region would wait for them for ever. */
int rdc_threads_allowed(unsigned wanted);

/* The thread that calls has regions of so many at most from now on: one of several that work side by side. */
void rdc_threads_limit(int most);

/* For the parallel region that is opened next: of the threads that there may be, as many as can be started. */
int rdc_thread_count(unsigned wanted);

/* Likewise, 1 for a region that is not worth more. */
static inline int rdc_threads_if(int worth) {
    return worth ? rdc_thread_count(0) : 1;
}

#define RDC_TOKENS_WORTH_THREADS 16

/* Threads for work on tokens that do not know of each other: few are done before other threads are there. */
static inline int rdc_threads_for(size_t tokens) {
    return rdc_threads_if(tokens >= RDC_TOKENS_WORTH_THREADS);
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
