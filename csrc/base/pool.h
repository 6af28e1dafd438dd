/* Memory that is taken in parts and given back together. */
#ifndef RDC_BASE_POOL_H
#define RDC_BASE_POOL_H

#include <stddef.h>

/* Starts as {NULL}. */
typedef struct rdc_pool {
    struct rdc_pool_part *last;
} rdc_pool;

/* NULL where there is no memory. */
void *rdc_pool_take(rdc_pool *pool, size_t size);
void rdc_pool_free(rdc_pool *pool);

#endif
