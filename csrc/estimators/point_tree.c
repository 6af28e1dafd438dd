#include "estimators/point_tree.h"

#include <math.h>
#include <stdlib.h>

#include "base/status.h"

#define TASK_LEAVES 64 /* smaller nodes are not worth a task */

typedef struct builder {
    rdc_point_tree *tree;
    const double *x;
} builder;

static void find_box(const builder *b, const size_t *order, size_t n, double *low, double *high) {
    const size_t d = b->tree->dimensions;
    for (size_t c = 0; c < d; c++) low[c] = high[c] = b->x[order[0] * d + c];
    for (size_t i = 1; i < n; i++) {
        const double *point = b->x + order[i] * d;
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

static double median_of_3(double a, double b, double c) {
    const double low = a < b ? a : b, high = a < b ? b : a;
    return c < low ? low : c > high ? high : c;
}

static void swap(size_t *a, size_t *b) {
    const size_t t = *a;
    *a = *b;
    *b = t;
}

/* Reorders so that the first `left` points are those of the smallest values of a column (Hoare's selection). `values` is the
 * column: its element i is values[i * stride]. */
static void select_smallest(size_t *order, size_t n, size_t left, const double *values, size_t stride) {
    size_t low = 0, high = n - 1;
    while (low < high) {
        const double middle = values[order[(low + high) / 2] * stride];
        const double pivot = median_of_3(values[order[low] * stride], middle, values[order[high] * stride]);
        size_t i = low, j = high;
        for (;;) {
            while (values[order[i] * stride] < pivot) i++;
            while (values[order[j] * stride] > pivot) j--;
            if (i >= j) break;
            swap(&order[i++], &order[j--]);
        }
        /* values up to j are at most the pivot, those behind it at least */
        if (values[order[j] * stride] > pivot) j--;
        if (left <= j) high = j;
        else low = j + 1;
    }
}

static void fill_leaf(const builder *b, const size_t *order, size_t n, double *leaf) {
    const size_t d = b->tree->dimensions;
    for (size_t c = 0; c < d; c++) {
        for (size_t i = 0; i < RDC_LEAF; i++) leaf[c * RDC_LEAF + i] = i < n ? b->x[order[i] * d + c] : INFINITY;
    }
}

/* The node of `leaves` leaves from `first` on, which hold n points. */
static void build(const builder *b, size_t node, size_t first, size_t leaves, size_t n) {
    const size_t d = b->tree->dimensions;
    double *low = b->tree->boxes + 2 * node * d, *high = low + d;
    size_t *order = b->tree->order + first * RDC_LEAF;
    find_box(b, order, n, low, high);
    if (leaves == 1) {
        fill_leaf(b, order, n, b->tree->points + first * d * RDC_LEAF);
        return;
    }
    const size_t left = rdc_left_leaves(leaves), left_points = left * RDC_LEAF;
    select_smallest(order, n, left_points, b->x + widest(low, high, d), d);
#ifdef _OPENMP
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
    tree->memory = malloc(leaves * RDC_LEAF * dimensions * sizeof(double) + RDC_LEAF_ALIGNMENT);
    const uintptr_t address = (uintptr_t)tree->memory + RDC_LEAF_ALIGNMENT;
    tree->points = (double *)(address & ~(uintptr_t)(RDC_LEAF_ALIGNMENT - 1));
    return tree->boxes && tree->order && tree->memory;
}

rdc_status rdc_point_tree_make(rdc_point_tree *tree, const double *x, size_t n, size_t dimensions) {
    if (!allocate(tree, n, dimensions)) {
        rdc_point_tree_free(tree);
        return rdc_fail(RDC_ERROR_MEMORY, 0, 0);
    }
    const builder b = {tree, x};
    for (size_t i = 0; i < n; i++) tree->order[i] = i;
#ifdef _OPENMP
#pragma omp parallel if (tree->leaves >= TASK_LEAVES)
#pragma omp single
#endif
    build(&b, 0, 0, tree->leaves, n);
    return rdc_ok();
}

void rdc_point_tree_free(rdc_point_tree *tree) {
    free(tree->boxes);
    free(tree->order);
    free(tree->memory);
}
