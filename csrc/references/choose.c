#include "references/choose.h"

#include <string.h>

#include "base/status.h"
#include "net/matrix_kernels.h"

/* An earlier token, and what referring to it would take from the energy of codes. */
typedef struct candidate {
    size_t distance;
    int32_t weight;
    double gain;
} candidate;

static int32_t encode_query(const rdc_ring *ring, const int16_t *left, int16_t *query) {
    int32_t energy = 0;
    for (size_t i = 0; i < ring->components; i++) {
        const int32_t code = rdc_reference_code(left[i], ring->rules->scale[i]);
        query[i] = (int16_t)code;
        energy += code * code;
    }
    return energy;
}

/* Gain of the best weight, as a fraction: products p of codes and the energy e of the earlier token give p^2 / e, or 2 |p| - e where
 * the weight would be larger than 1. */
typedef struct fraction {
    double above, below;
} fraction;

static fraction gain_of(int32_t products, int32_t energy) {
    const double p = products < 0 ? -(double)products : products, e = energy;
    return p < e ? (fraction){p * p, e} : (fraction){2 * p - e, 1};
}

/* Of these, as good as any, the latest. */
static candidate best_candidate(rdc_cpu_level cpu, const rdc_ring *ring, const int16_t *query) {
    rdc_matrix_kernel *const multiply = rdc_matrix_kernel_of(cpu);
    const size_t first = ring->count - rdc_ring_available(ring);
    fraction most = {0, 1};
    size_t best = ring->count;
    int32_t products = 0, energy = 1;
    for (size_t c = first / RDC_CHUNK; c < ring->held; c++) {
        const rdc_chunk *chunk = ring->chunks[c];
        const size_t start = c * RDC_CHUNK, end = ring->count - start < RDC_CHUNK ? ring->count - start : RDC_CHUNK;
        const size_t rows = (end + RDC_MATRIX_ROWS - 1) / RDC_MATRIX_ROWS * RDC_MATRIX_ROWS;
        const rdc_matrix matrix = {chunk->codes, rows, ring->columns, 0};
        int32_t sums[RDC_CHUNK];
        multiply(&matrix, query, 1, sums);
        for (size_t r = first > start ? first - start : 0; r < end; r++) {
            const fraction gain = gain_of(sums[r], chunk->energy[r]);
            if (!(gain.above * most.below >= most.above * gain.below) || chunk->energy[r] == 0) continue;
            most = gain;
            best = start + r;
            products = sums[r];
            energy = chunk->energy[r];
        }
    }
    const int32_t unit = 1 << RDC_WEIGHT_BITS, magnitude = products < 0 ? -products : products;
    int32_t weight = magnitude >= energy ? unit : (int32_t)((2 * unit * (int64_t)magnitude + energy) / (2 * (int64_t)energy));
    if (products < 0) weight = -weight;
    const double a = (double)weight / unit;
    return (candidate){ring->count - best, weight, 2 * a * products - a * a * energy};
}

/* log2 of a number of tokens, straight between powers of two. */
static double log2_of(size_t n) {
    double bits = 0, x = (double)n;
    for (; x >= 2; x /= 2) bits++;
    return bits + x - 1;
}

/* Bits of levels that a prediction saves which takes this part of the energy. It would be C / 2 log2(1 / (1 - part)) if all components
 * were coded finely; most are not, and 0.35 is in the place of 1 / 2. */
static double bits_saved(size_t components, double part) {
    return 0.35 / 0.69314718 * (double)components * (part + part * part / 2 + part * part * part / 3);
}

void rdc_references_choose(rdc_cpu_level cpu, const rdc_ring *ring, int16_t *left, int16_t *query, int32_t *distance, int32_t *weight) {
    const size_t available = rdc_ring_available(ring), most = ring->rules->most;
    memset(distance, 0, most * sizeof *distance);
    memset(weight, 0, most * sizeof *weight);
    memset(query, 0, ring->columns * sizeof *query);
    const double bits = log2_of(available + 1) + RDC_WEIGHT_BITS;
    for (size_t k = 0; k < most && available > 0; k++) {
        const int32_t energy = encode_query(ring, left, query);
        if (energy == 0) return;
        const candidate best = best_candidate(cpu, ring, query);
        if (best.weight == 0 || bits_saved(ring->components, best.gain / energy) <= bits) return;
        distance[k] = (int32_t)best.distance;
        weight[k] = best.weight;
        const int16_t *features = rdc_ring_token(ring, best.distance);
        for (size_t i = 0; i < ring->components; i++) {
            const int32_t x = left[i] - ((best.weight * features[i] + (1 << (RDC_WEIGHT_BITS - 1))) >> RDC_WEIGHT_BITS);
            left[i] = (int16_t)(x < -INT16_MAX ? -INT16_MAX : x > INT16_MAX ? INT16_MAX : x);
        }
    }
}

rdc_status rdc_references_predict(const rdc_ring *ring, const int32_t *distance, const int32_t *weight, int32_t *sum) {
    const size_t available = rdc_ring_available(ring);
    memset(sum, 0, ring->components * sizeof *sum);
    for (size_t k = 0; k < ring->rules->most; k++) {
        const int32_t back = distance[k], factor = weight[k];
        if (back == 0) continue;
        RDC_RETURN_IF(back < 0 || (size_t)back > available, RDC_ERROR_REFERENCE, available, back);
        RDC_RETURN_IF(factor < -(1 << RDC_WEIGHT_BITS) || factor > 1 << RDC_WEIGHT_BITS, RDC_ERROR_REFERENCE_WEIGHT, k, factor);
        const int16_t *features = rdc_ring_token(ring, (size_t)back);
        for (size_t i = 0; i < ring->components; i++) sum[i] += factor * features[i];
    }
    return rdc_ok();
}
