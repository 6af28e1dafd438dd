#include "base/threads.h"

#ifndef _OPENMP

int rdc_threads_allowed(unsigned wanted) {
    (void)wanted;
    return 1;
}

int rdc_thread_count(unsigned wanted) {
    return rdc_threads_allowed(wanted);
}

void rdc_threads_limit(int most) {
    (void)most;
}

#else

static int smaller(int a, int b) {
    return a < b ? a : b;
}

#ifdef _WIN32 /* where no process is forked, and OpenMP makes do with the threads that can be started */

static int is_forked(void) {
    return 0;
}

static int startable(int wanted) {
    return wanted;
}

#else

#include <pthread.h>

/* Whether this process came into being by fork while the library was loaded. Constant for the life of a process: it is written before the
 * library is used and, in a new process, before fork returns. */
static int forked;

static void note_fork(void) {
    forked = 1;
}

/* A process that cannot watch for forks does without threads. */
__attribute__((constructor)) static void watch_forks(void) {
    forked = pthread_atfork(NULL, NULL, note_fork) != 0;
}

static int is_forked(void) {
    return forked;
}

static void *pass(void *gate) {
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return NULL;
}

/* How many threads, `wanted` at most, can be there at the same time beside those there are. */
static int count_startable(int wanted) {
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t started[RDC_MOST_THREADS];
    int count = 0;
    pthread_mutex_lock(&gate);
    while (count < wanted && pthread_create(&started[count], NULL, pass, &gate) == 0) count++;
    pthread_mutex_unlock(&gate);
    for (int k = 0; k < count; k++) pthread_join(started[k], NULL);
    return count;
}

/* Threads that OpenMP keeps for the thread that asks, itself included: those of its last region of more than one. Nothing but the number
 * of threads depends on it. */
static _Thread_local int kept = 1;

/* OpenMP ends the process where it cannot start a thread. So threads are started before, and only as many as were are asked for. */
static int startable(int wanted) {
    if (wanted > kept) kept += count_startable(wanted - kept);
    else if (wanted > 1) kept = wanted;
    return smaller(wanted, kept);
}

#endif

int rdc_threads_allowed(unsigned wanted) {
    if (is_forked()) return 1;
    const int limit = smaller(omp_get_thread_limit(), RDC_MOST_THREADS);
    return wanted && wanted < (unsigned)limit ? (int)wanted : smaller(wanted ? limit : omp_get_max_threads(), limit);
}

int rdc_thread_count(unsigned wanted) {
    return startable(rdc_threads_allowed(wanted));
}

void rdc_threads_limit(int most) {
    omp_set_num_threads(most);
}

#endif
