/* A balanced k-d tree whose leaves hold points side by side. Private to csrc/estimators. */
#ifndef RDC_ESTIMATORS_POINT_TREE_H
#define RDC_ESTIMATORS_POINT_TREE_H

#include "rdc.h"

#define RDC_LEAF 32 /* points */

/* Nodes stand in preorder: a node of L leaves takes 2 L - 1 places, its left half follows it at once. */
typedef struct rdc_point_tree {
    size_t dimensions;
    size_t leaves;
    double *boxes;  /* [nodes, 2, dimensions], lowest and highest coordinates */
    double *points; /* [leaves, dimensions, RDC_LEAF], infinity where the last leaf has no point */
    size_t *order;  /* [points], of the points in the leaves */
    void *memory;
} rdc_point_tree;

/* Leaves of the left half of a node. */
static inline size_t rdc_left_leaves(size_t leaves) {
    return (leaves + 1) / 2;
}

/* Errors: RDC_ERROR_MEMORY. */
rdc_status rdc_point_tree_make(rdc_point_tree *tree, const double *x, size_t n, size_t dimensions);
void rdc_point_tree_free(rdc_point_tree *tree);

#endif
