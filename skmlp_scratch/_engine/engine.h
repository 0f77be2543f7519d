/* What the kernels of every precision and processor share: the plan of a network, the space of a step, the parts. */

#ifndef ENGINE_H
#define ENGINE_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef ptrdiff_t idx;

#if defined __GNUC__
#define INLINE inline __attribute__((always_inline))
#else
#define INLINE inline
#endif

#define MAX_LAYERS 64
#define MAX_PARTS 8
#define MAX_SHARES MAX_PARTS
#define BLOCK 256 /* rows of a full batch at a time: their values stay in the second cache level */
#define DEPTH 200 /* rows of a panel: it fills half of the first cache level */

enum layer_kind { DENSE, ACTIVATION, DROPOUT, LAYER_NORM, BATCH_NORM, SCALE };
enum activation { IDENTITY, TANH, LOGISTIC, RELU, LEAKY_RELU, ELU, SELU, GELU, SILU, MISH, SOFTPLUS };
enum loss { BINARY, CATEGORICAL, SQUARED, ABSOLUTE, HUBER, QUANTILE, POISSON, GAMMA };
enum link { LINK_IDENTITY, LINK_LOG, LINK_LOGISTIC, LINK_SOFTMAX };
enum targets { NUMBERS, BOOLEANS, CLASSES };
/* Where entry (r, p) of a left factor is: a[r][p], a[p][r], or packed[p * TILE + r]. */
enum left { ROWS, COLUMNS, PACKED };
enum rule { SGD, MOMENTUM, NESTEROV, ADAGRAD, RMSPROP, CENTERED, ADAM, ADAMW };

typedef struct {
    int kind, activation;
    idx n_in, n_out;
    /* Places in the flat vector, or -1, of W and b, or scale and shift, and of statistics. */
    idx first, second, mean, var;
    idx row;                      /* of the penalty's partial sums, one for each row of W */
    double number;                /* drop probability */
} layer;

/* Rows as they lie in memory: strided, or compressed (then rows is indptr). */
typedef struct {
    const char *values;
    idx n_rows, row_step, column_step; /* in bytes */
    const char *indices, *starts;
    idx n_values;
    int index_bytes;
} table;

typedef struct {
    int n_layers, first, last, width; /* first layer with parameters; width in bytes of a number */
    int rowwise;
    layer layers[MAX_LAYERS];
    idx n_in, n_out, size;
    int loss, link, target_kind, class_bytes;
    double loss_number, keep, uniform; /* targets become keep * y + uniform */
    table X, y, sample_weight;
} network;

/* Space for m rows. Where a layer works in place, its arrays are those of the layer before. */
typedef struct {
    idx m;
    char *memory;
    int64_t *rows;
    double *values, *squares;
    void *X, *y, *weights, *terms, *grad; /* the last is a share's */
    void *out[MAX_LAYERS], *delta[MAX_LAYERS], *extra[MAX_LAYERS], *inverse[MAX_LAYERS], *scratch[MAX_PARTS];
    const void **inputs[MAX_LAYERS], **deltas[MAX_LAYERS], **normals[MAX_LAYERS];
} space;

typedef struct {
    const network *net;
    space *at;
    const void *params;
    void *grad, *result;
    const double *draws[MAX_LAYERS];
    const table *X;
    idx m, start, start_of_block; /* rows, the first of them, and where they begin in this call */
    double scale, l1, l2;
    int training, accumulate, final, n_parts, n_shares, bad;
} step;

#define LARGER(a, b) ((a) > (b) ? (a) : (b))
#define SMALLER(a, b) ((a) < (b) ? (a) : (b))
#define MAX_FACTORS 8

typedef struct {
    int rule, n_factors;
    void *params, *slots[2], *average;
    const void *grad;
    idx size, decay_start, decay_stop;
    struct { idx start, stop; double factor; } paced[MAX_FACTORS];
    double rate, numbers[4], kept, weight;
} update;

typedef struct {
    void (*forward)(step *, int part);   /* and the loss, and backward as far as each row goes alone */
    void (*gradient)(step *, int part);  /* sums over the rows */
    void (*penalty)(step *, int part);
    void (*add)(void *to, const void *from, idx first, idx last);
    void (*steps)(update *, idx first, idx last);
} kernels;

/* Whether the parts of a layer's gradient are columns of W: fewer panels of delta to pack than by rows. */
static inline int by_columns(const step *s, int l)
{
    const layer *layer = &s->net->layers[l];
    return layer->kind == DENSE && ((l == 0 && s->X->starts) || (s->n_parts > 1 && layer->n_out > layer->n_in));
}

static inline idx part_of(idx n, int part, int n_parts, idx multiple)
{
    idx cut = (n * part / n_parts + multiple - 1) / multiple * multiple;
    return part == n_parts || cut > n ? n : cut;
}

#endif
