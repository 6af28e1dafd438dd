/* The search of trellis_kernels.c with a token in each lane of a vector: the same operations in the same order. Included once a
 * class of CPUs, after LANES, NAME (of what is defined here) and TARGET (function attributes). The vectors are those that GCC
 * and Clang know as types: a comparison gives a mask of all ones where it holds. */

typedef double NAME(reals) __attribute__((vector_size(8 * LANES)));
typedef int64_t NAME(masks) __attribute__((vector_size(8 * LANES)));
typedef uint64_t NAME(words) __attribute__((vector_size(8 * LANES)));
#define reals NAME(reals)
#define masks NAME(masks)
#define words NAME(words)
#define INLINE TARGET static RDC_ALWAYS_INLINE

INLINE reals NAME(all)(double x) {
    return (reals){0} + x;
}

INLINE reals NAME(pick)(masks where, reals a, reals b) {
    return (reals)((where & (masks)a) | (~where & (masks)b));
}

INLINE reals NAME(magnitude)(reals x) {
    return (reals)((masks)x & INT64_MAX);
}

INLINE void NAME(find_errors)(reals x, reals *error) {
    const reals even = x - ((x + NEAREST_OF_4) - NEAREST_OF_4), even_other = 2 - NAME(magnitude)(even);
    error[0] = even * even;
    error[1] = even_other * even_other;
    const reals a = NAME(magnitude)(x), b = a - 1;
    const reals odd = b - ((b + NEAREST_OF_4) - NEAREST_OF_4), odd_other = 2 - NAME(magnitude)(odd);
    const reals zero = a * a, away = odd_other * odd_other;
    error[2] = NAME(pick)(zero < away, zero, away);
    error[3] = odd * odd;
}

/* `odd` and `parity` are masks. */
INLINE reals NAME(nearest_level)(reals x, masks odd, masks parity) {
    const reals one = (reals)(parity & (masks)NAME(all)(1)); /* the parity as a number */
    const reals a = NAME(magnitude)(x), from = NAME(pick)(odd, a, x), first = NAME(pick)(odd, 3 - 2 * one, 2 * one);
    const reals m = ((from - first) * 0.25 + RDC_NEAREST) - RDC_NEAREST;
    const reals away = a - (4 * m + first);
    const masks used = parity | ~(a * a < away * away);
    const reals size = (reals)(used & (masks)(2 * m + 2 - one));
    return NAME(pick)(odd, NAME(pick)(x < NAME(all)(0), -size, size), 2 * m + one);
}

/* The better of two ways into a state; `bit` where it is the second. */
INLINE words NAME(meet)(reals a, reals b, uint64_t bit, reals *next) {
    const masks second = b < a;
    *next = NAME(pick)(second, b, a);
    return (words)second & bit;
}

/* Moves the costs on by a component: the table `into`, written out. Returns which predecessor each state has, a bit a state. */
INLINE words NAME(advance)(const reals *error, reals *cost) {
    const reals c0 = cost[0], c1 = cost[1], c2 = cost[2], c3 = cost[3], c4 = cost[4], c5 = cost[5], c6 = cost[6], c7 = cost[7];
    words second = NAME(meet)(c0 + error[0], c4 + error[1], 1, &cost[0]);
    second |= NAME(meet)(c2 + error[0], c6 + error[1], 2, &cost[1]);
    second |= NAME(meet)(c0 + error[1], c4 + error[0], 4, &cost[2]);
    second |= NAME(meet)(c2 + error[1], c6 + error[0], 8, &cost[3]);
    second |= NAME(meet)(c3 + error[2], c7 + error[3], 16, &cost[4]);
    second |= NAME(meet)(c1 + error[2], c5 + error[3], 32, &cost[5]);
    second |= NAME(meet)(c3 + error[3], c7 + error[2], 64, &cost[6]);
    second |= NAME(meet)(c1 + error[3], c5 + error[2], 128, &cost[7]);
    return second;
}

INLINE words NAME(best_state)(const reals *cost) {
    words state = {0};
    reals least = cost[0];
    for (uint64_t s = 1; s < RDC_TRELLIS_STATES; s++) {
        const masks less = cost[s] < least;
        least = NAME(pick)(less, cost[s], least);
        state = ((words)less & s) | (~(words)less & state);
    }
    return state;
}

/* The bytes of eight components share a word, the first one's in its low bits. The way back is the table `into` as arithmetic:
 * the subset follows from the state, and so does the one before, where the second branch comes from four states further on. */
TARGET static void NAME(search)(double *work, size_t components) {
    double *const seconds = work + components * LANES;
    reals x, cost[RDC_TRELLIS_STATES], error[4];
    words eight = {0};
    for (int s = 0; s < RDC_TRELLIS_STATES; s++) cost[s] = NAME(all)(s ? HUGE_VAL : 0);
    for (size_t i = 0; i < components; i++) {
        memcpy(&x, work + i * LANES, sizeof x);
        NAME(find_errors)(x, error);
        const words second = NAME(advance)(error, cost) << (uint64_t)(8 * (i % 8));
        eight = i % 8 ? eight | second : second;
        memcpy(seconds + i / 8 * LANES, &eight, sizeof eight);
    }
    words state = NAME(best_state)(cost);
    for (size_t i = components; i-- > 0;) {
        memcpy(&x, work + i * LANES, sizeof x);
        memcpy(&eight, seconds + i / 8 * LANES, sizeof eight);
        const words branch = (eight >> (state + (uint64_t)(8 * (i % 8)))) & 1;
        const masks odd = state > 3, parity = (((state >> 1) ^ branch) & 1) != 0;
        x = NAME(nearest_level)(x, odd, parity);
        memcpy(work + i * LANES, &x, sizeof x);
        state = (((state & 1) << 1) ^ ((words)odd & 3)) + 4 * branch;
    }
}

#undef reals
#undef masks
#undef words
#undef INLINE
#undef TARGET
#undef NAME
#undef LANES
