/* Distances to the nearest neighbours: the points of a leaf look for theirs together, so that a box is turned down for all of
 * them at once and a leaf's points stay in the cache. */
#include <math.h>
#include <stdlib.h>

#include "base/status.h"
#include "base/threads.h"
#include "estimators/distance_kernels.h"

#define PARALLEL_LEAVES 32 /* fewer are done before other threads are there */

/* A leaf's search. `nearest` holds each point's k smallest squared distances so far, rising. */
typedef struct search {
    const rdc_point_tree *tree;
    const rdc_distance_kernels *kernels;
    const double *box;
    const double *leaf;
    double *points;  /* of the leaf, [RDC_LEAF, dimensions] */
    double *nearest; /* [RDC_LEAF, room] */
    size_t count;    /* points of the leaf */
    size_t k, room;  /* neighbours, and for how many there is room */
    double farthest; /* largest of the points' k-th distances */
} search;

/* Squared distance between two boxes [2, dimensions]. */
static double box_distance(const double *a, const double *b, size_t dimensions) {
    double sum = 0;
    for (size_t c = 0; c < dimensions; c++) {
        const double below = a[c] - b[dimensions + c], above = b[c] - a[dimensions + c];
        const double gap = below > above ? below : above;
        if (gap > 0) sum += gap * gap;
    }
    return sum;
}

/* Compares point i with those of a leaf, but for the one at `skipped`. */
static void scan(search *s, size_t i, const double *leaf, size_t skipped) {
    const size_t d = s->tree->dimensions;
    s->kernels->scan(s->points + i * d, leaf, d, skipped, s->nearest + i * s->room, s->k);
}

static void update_farthest(search *s) {
    s->farthest = 0;
    for (size_t i = 0; i < s->count; i++) {
        const double last = s->nearest[i * s->room + s->k - 1];
        s->farthest = last > s->farthest ? last : s->farthest;
    }
}

/* Compares the points with those of another leaf where its box is near enough. */
static void scan_other(search *s, size_t other, const double *box) {
    const size_t d = s->tree->dimensions;
    double distances[RDC_LEAF];
    s->kernels->box(s->leaf, box, d, distances);
    for (size_t i = 0; i < s->count; i++) {
        if (distances[i] < s->nearest[i * s->room + s->k - 1]) scan(s, i, s->tree->points + other * d * RDC_LEAF, RDC_LEAF);
    }
    update_farthest(s);
}

/* The node of `leaves` leaves from `first` on, whose box is `distance` away; `own` is the leaf that searches. */
static void visit(search *s, size_t node, size_t first, size_t leaves, double distance, size_t own) {
    const size_t d = s->tree->dimensions;
    const double *boxes = s->tree->boxes;
    if (distance >= s->farthest || (leaves == 1 && first == own)) return;
    if (leaves == 1) {
        scan_other(s, first, boxes + 2 * node * d);
        return;
    }
    const size_t left = rdc_left_leaves(leaves), nodes[2] = {node + 1, node + 2 * left};
    const size_t firsts[2] = {first, first + left}, counts[2] = {left, leaves - left};
    double distances[2];
    for (int i = 0; i < 2; i++) distances[i] = box_distance(s->box, boxes + 2 * nodes[i] * d, d);
    /* the nearer first; where boxes touch, the one that holds the leaf */
    const int second = distances[0] < distances[1] || (distances[0] == distances[1] && own < firsts[1]);
    for (int turn = 0; turn < 2; turn++) {
        const int i = turn ? second : !second;
        visit(s, nodes[i], firsts[i], counts[i], distances[i], own);
    }
}

/* The k-th distances of the points of a leaf, whose node is found from the root. */
static void search_leaf(search *s, size_t own, size_t n) {
    const size_t d = s->tree->dimensions;
    size_t node = 0, first = 0, leaves = s->tree->leaves;
    while (leaves > 1) {
        const size_t left = rdc_left_leaves(leaves);
        const int is_left = own < first + left;
        node += is_left ? 1 : 2 * left;
        first += is_left ? 0 : left;
        leaves = is_left ? left : leaves - left;
    }
    s->box = s->tree->boxes + 2 * node * d;
    s->leaf = s->tree->points + own * d * RDC_LEAF;
    s->count = n - own * RDC_LEAF < RDC_LEAF ? n - own * RDC_LEAF : RDC_LEAF;
    for (size_t i = 0; i < s->count; i++) {
        for (size_t c = 0; c < d; c++) s->points[i * d + c] = s->leaf[c * RDC_LEAF + i];
        for (size_t j = 0; j < s->room; j++) s->nearest[i * s->room + j] = INFINITY;
    }
    for (size_t i = 0; i < s->count; i++) scan(s, i, s->leaf, i);
    update_farthest(s);
    visit(s, 0, 0, s->tree->leaves, 0, own);
}

/* All memory is taken before anything is written. */
static int search_all(const rdc_point_tree *tree, const rdc_distance_kernels *kernels, size_t n, size_t k, double *distances) {
    const int threads = rdc_threads_if(tree->leaves >= PARALLEL_LEAVES);
    const size_t room = k > RDC_NEAREST ? k : RDC_NEAREST, each = RDC_LEAF * (tree->dimensions + room);
    double *memory = malloc((size_t)threads * each * sizeof *memory);
    if (!memory) return 0;
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) schedule(dynamic, 4)
#endif
    for (int64_t at = 0; at < (int64_t)tree->leaves; at++) {
        const size_t own = (size_t)at;
        double *points = memory + rdc_thread_number() * each;
        search s = {.tree = tree, .kernels = kernels, .points = points, .k = k, .room = room};
        s.nearest = points + RDC_LEAF * tree->dimensions;
        search_leaf(&s, own, n);
        const size_t *order = tree->order + own * RDC_LEAF;
        for (size_t i = 0; i < s.count; i++)
            for (size_t j = 0; j < k; j++) distances[order[i] * k + j] = sqrt(s.nearest[i * s.room + j]);
    }
    free(memory);
    return 1;
}

rdc_status rdc_neighbour_distances(rdc_cpu_level cpu, const double *x, size_t n, size_t dimensions, size_t k, double *distances) {
    RDC_RETURN_IF(k < 1 || k >= n, RDC_ERROR_NEIGHBOURS, n, k);
    for (size_t i = 0; i < n * dimensions; i++) RDC_RETURN_IF(!isfinite(x[i]), RDC_ERROR_NOT_FINITE, i, 0);
    rdc_point_tree tree;
    RDC_FORWARD_IF_ERROR(rdc_point_tree_make(&tree, x, n, dimensions));
    const int enough_memory = search_all(&tree, rdc_distance_kernels_of(cpu), n, k, distances);
    rdc_point_tree_free(&tree);
    RDC_RETURN_IF(!enough_memory, RDC_ERROR_MEMORY, 0, 0);
    return rdc_ok();
}
