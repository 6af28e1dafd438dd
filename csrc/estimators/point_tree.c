#include "estimators/point_tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/aligned.h"
#include "base/status.h"
#include "base/threads.h"

#define TASK_LEAVES 64 /* smaller nodes are not worth a task */
#define SAMPLE 15      /* values that a pivot is chosen from */
#if defined _OPENMP && _OPENMP >= 200805 /* compilers that know OpenMP 2.0 alone build it in one thread */
#define HAS_TASKS 1
#else
#define HAS_TASKS 0
#endif

/* A point, and its value in the column that its node is cut in. */
typedef struct entry {
    double value;
    size_t point;
} entry;

typedef struct builder {
    rdc_point_tree *tree;
    const double *x;
    entry *entries; /* of the points in the order of the leaves */
    entry *spare;   /* as many */
} builder;

static void find_box(const builder *b, const entry *entries, size_t n, double *low, double *high) {
    const size_t d = b->tree->dimensions;
    for (size_t c = 0; c < d; c++) low[c] = high[c] = b->x[entries[0].point * d + c];
    for (size_t i = 1; i < n; i++) {
        const double *point = b->x + entries[i].point * d;
        for (size_t c = 0; c < d; c++) {
            low[c] = point[c] < low[c] ? point[c] : low[c];
            high[c] = point[c] > high[c] ? point[c] : high[c];
        }
    }
}

static size_t widest(const double *low, const double *high, size_t dimensions) {
    size_t best = 0;
    for (size_t c = 1; c < dimensions; c++) {
        if (high[c] - low[c] > high[best] - low[best]) best = c;
    }
    return best;
}

/* The value of a sample that lies where the smallest `left` values are thought to end. */
static double choose_pivot(const entry *entries, size_t n, size_t left) {
    double sorted[SAMPLE];
    for (size_t s = 0; s < SAMPLE; s++) {
        const double value = entries[(2 * s + 1) * n / (2 * SAMPLE)].value;
        size_t at = s;
        for (; at > 0 && sorted[at - 1] > value; at--) sorted[at] = sorted[at - 1];
        sorted[at] = value;
    }
    return sorted[left * SAMPLE / n];
}

/* Puts the values below the pivot, or those up to it, first and returns how many there are; without branches that nothing could
 * predict. */
static size_t partition(entry *entries, entry *spare, size_t n, double pivot, int with_equal) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        const entry here = entries[i];
        entries[count] = here;
        spare[i - count] = here;
        count += (here.value < pivot) | (with_equal & (here.value == pivot));
    }
    memcpy(entries + count, spare, (n - count) * sizeof *entries);
    return count;
}

/* Reorders so that the first `left` entries are those of the smallest values; 0 < left < n. */
static void select_smallest(entry *entries, entry *spare, size_t n, size_t left) {
    while (left > 0 && left < n) {
        const double pivot = choose_pivot(entries, n, left);
        size_t first = partition(entries, spare, n, pivot, 0);
        if (first == 0) { /* the pivot is the smallest value: those that equal it need no order */
            first = partition(entries, spare, n, pivot, 1);
            if (left <= first) return;
        }
        if (left <= first) {
            n = first;
        } else {
            entries += first;
            left -= first;
            n -= first;
        }
    }
}

static void fill_leaf(const builder *b, size_t first, size_t n) {
    const size_t d = b->tree->dimensions;
    const entry *entries = b->entries + first * RDC_LEAF;
    double *leaf = b->tree->points + first * d * RDC_LEAF;
    for (size_t c = 0; c < d; c++) {
        for (size_t i = 0; i < RDC_LEAF; i++) leaf[c * RDC_LEAF + i] = i < n ? b->x[entries[i].point * d + c] : INFINITY;
    }
    for (size_t i = 0; i < n; i++) b->tree->order[first * RDC_LEAF + i] = entries[i].point;
}

/* The node of `leaves` leaves from `first` on, which hold n points. */
static void build(const builder *b, size_t node, size_t first, size_t leaves, size_t n) {
    const size_t d = b->tree->dimensions;
    double *low = b->tree->boxes + 2 * node * d, *high = low + d;
    entry *entries = b->entries + first * RDC_LEAF;
    find_box(b, entries, n, low, high);
    if (leaves == 1) {
        fill_leaf(b, first, n);
        return;
    }
    const size_t left = rdc_left_leaves(leaves), left_points = left * RDC_LEAF;
    const size_t column = widest(low, high, d);
    for (size_t i = 0; i < n; i++) entries[i].value = b->x[entries[i].point * d + column];
    select_smallest(entries, b->spare + first * RDC_LEAF, n, left_points);
#if HAS_TASKS
#pragma omp task if (leaves >= TASK_LEAVES)
#endif
    build(b, node + 1, first, left, left_points);
    build(b, node + 2 * left, first + left, leaves - left, n - left_points);
}

static int allocate(rdc_point_tree *tree, size_t n, size_t dimensions) {
    const size_t leaves = n / RDC_LEAF + (n % RDC_LEAF != 0);
    *tree = (rdc_point_tree){.dimensions = dimensions, .leaves = leaves};
    tree->boxes = malloc(2 * leaves * 2 * dimensions * sizeof *tree->boxes);
    tree->order = malloc(n * sizeof *tree->order);
    tree->memory = malloc(leaves * RDC_LEAF * dimensions * sizeof(double) + RDC_ALIGNMENT);
    if (!tree->boxes || !tree->order || !tree->memory) return 0;
    tree->points = rdc_aligned(tree->memory);
    return 1;
}

rdc_status rdc_point_tree_make(rdc_point_tree *tree, const double *x, size_t n, size_t dimensions) {
    const builder b = {tree, x, malloc(n * sizeof *b.entries), malloc(n * sizeof *b.spare)};
    if (!allocate(tree, n, dimensions) || !b.entries || !b.spare) {
        free(b.entries);
        free(b.spare);
        rdc_point_tree_free(tree);
        return rdc_fail(RDC_ERROR_MEMORY, 0, 0);
    }
    for (size_t i = 0; i < n; i++) b.entries[i].point = i;
#if HAS_TASKS
#pragma omp parallel num_threads(rdc_threads_if(tree->leaves >= TASK_LEAVES))
#pragma omp single
#endif
    build(&b, 0, 0, tree->leaves, n);
    free(b.entries);
    free(b.spare);
    return rdc_ok();
}

void rdc_point_tree_free(rdc_point_tree *tree) {
    free(tree->boxes);
    free(tree->order);
    free(tree->memory);
}
