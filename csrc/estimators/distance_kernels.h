/* Distances to the points of a leaf, [dimensions, RDC_LEAF], one set of loops a class of CPUs; all sum over dimensions in
 * rising order. Private to csrc/estimators. */
#ifndef RDC_ESTIMATORS_DISTANCE_KERNELS_H
#define RDC_ESTIMATORS_DISTANCE_KERNELS_H

#include "estimators/point_tree.h"

typedef struct rdc_distance_kernels {
    /* The squared distances of a point to those of a leaf that are below the bound. Returns how many; there is room for
     * RDC_LEAF. */
    size_t (*points)(const double *point, const double *leaf, size_t dimensions, double bound, double *distances);
    /* Squared distances of the points of a leaf to a box [2, dimensions]. */
    void (*box)(const double *leaf, const double *box, size_t dimensions, double *distances);
} rdc_distance_kernels;

const rdc_distance_kernels *rdc_distance_kernels_of(rdc_cpu_level level);

#endif
