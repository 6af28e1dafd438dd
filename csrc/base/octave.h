/* The logarithmic grid of eighths of an octave, written out: no machine's exp2 decides about it. */
#ifndef RDC_BASE_OCTAVE_H
#define RDC_BASE_OCTAVE_H

#define RDC_GRID_STEPS 8 /* an octave */

/* 2^(part / 8), for 0 to 7. */
static inline double rdc_octave_part(int part) {
    static const double parts[RDC_GRID_STEPS] = {1.0,
                                                 1.0905077326652577,
                                                 1.189207115002721,
                                                 1.2968395546510096,
                                                 1.4142135623730951,
                                                 1.5422108254079407,
                                                 1.681792830507429,
                                                 1.8340080864093424};
    return parts[part];
}

#endif
