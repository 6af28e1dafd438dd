/* rdcodec: the public header of the C core; its parts, by subject, are in csrc/rdc.
 *
 * Layers, each uses only those before it: base < entropy, quant, net < levels < stream < codec < checkpoint < link; base < dense < estimators.
 * Conventions: functions return rdc_status; buffers belong to the caller, their sizes come from the *_bound functions;
 * nothing is kept in global variables, so everything may be called from many threads on different objects. After a fork everything
 * goes on in the new process, with one thread; where threads cannot be started, fewer do the work.
 * After an error no object is made or changed. Arrays that were to be written hold anything then, but where memory was
 * lacking (RDC_ERROR_MEMORY) what they held before.
 * Bytes are described in docs/format.md. */
#ifndef RDC_H
#define RDC_H

#include "rdc/blocks.h"
#include "rdc/checkpoints.h"
#include "rdc/codecs.h"
#include "rdc/cpu_levels.h"
#include "rdc/errors.h"
#include "rdc/estimators.h"
#include "rdc/exact.h"
#include "rdc/frames.h"
#include "rdc/frequencies.h"
#include "rdc/limits.h"
#include "rdc/links.h"
#include "rdc/networks.h"
#include "rdc/predictions.h"
#include "rdc/quantisers.h"

#define RDC_VERSION "0.1.0"

#endif
