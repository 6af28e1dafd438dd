#include "base/pool.h"

#include <stdlib.h>

struct rdc_pool_part {
    struct rdc_pool_part *before;
    max_align_t memory[];
};

void *rdc_pool_take(rdc_pool *pool, size_t size) {
    struct rdc_pool_part *part = malloc(sizeof *part + size);
    if (!part) return NULL;
    part->before = pool->last;
    pool->last = part;
    return part->memory;
}

void rdc_pool_free(rdc_pool *pool) {
    while (pool->last) {
        struct rdc_pool_part *part = pool->last;
        pool->last = part->before;
        free(part);
    }
}
