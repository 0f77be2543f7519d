/* Everything for one precision on one processor: T, INTEGER, BYTES and FN are the includer's. */

#include "vector.h"
#include "product.h"
#include "step.h"
#include "update.h"

static const kernels FN(kernels) = {FN(forward), FN(gradient), FN(penalty), FN(add), FN(steps)};

#undef BYTES
#undef V
#undef M
#undef T
#undef INTEGER
#undef FN
