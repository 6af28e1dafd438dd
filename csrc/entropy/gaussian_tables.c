#include "base/status.h"
#include "entropy/gaussian_data.h"

rdc_status rdc_tables_create_gaussian(rdc_tables **tables) {
    return rdc_tables_create(tables, GAUSSIAN_PRECISION, GAUSSIAN_TABLES, gaussian_counts, gaussian_offsets, gaussian_frequencies,
                             sizeof gaussian_frequencies / sizeof gaussian_frequencies[0], NULL);
}
