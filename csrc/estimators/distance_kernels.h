/* Distances to the points of a leaf, [dimensions, RDC_LEAF], one set of loops a class of CPUs; all sum over dimensions in
 * rising order. Private to csrc/estimators. */
#ifndef RDC_ESTIMATORS_DISTANCE_KERNELS_H
#define RDC_ESTIMATORS_DISTANCE_KERNELS_H

#include "estimators/point_tree.h"

#define RDC_NEAREST 8 /* what a vector of the widest kernel holds */

typedef struct rdc_distance_kernels {
    /* Compares a point with those of a leaf, but for the one at `skipped` (RDC_LEAF for none): `nearest`, the k smallest squared
     * distances so far, rising, become those of the leaf too. There is room for RDC_NEAREST. */
    void (*scan)(const double *point, const double *leaf, size_t dimensions, size_t skipped, double *nearest, size_t k);
    /* Squared distances of the points of a leaf to a box [2, dimensions]. */
    void (*box)(const double *leaf, const double *box, size_t dimensions, double *distances);
} rdc_distance_kernels;

const rdc_distance_kernels *rdc_distance_kernels_of(rdc_cpu_level level);

#endif
