/* The interpreter's side: what is given is checked here, once, and nothing below looks at it again.

   Only the limited API and the buffer protocol are used: one file serves every Python from 3.11 on, and neither numpy
   nor scipy is needed to build it. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <fenv.h>
#include <stdlib.h>

#include "engine.h"
#include "pool.h"

/* The kernels for every processor of a kind, and on x86 for those since 2013, too. WITHOUT_VECTORS tries what other
   compilers make of them. */
#if defined __GNUC__ && !defined WITHOUT_VECTORS
#define VECTORS 16
#else
#define VECTORS 0
#endif
#define T float
#define INTEGER int32_t
#define FN(name) name##_f32
#include "typed.h"
#define T double
#define INTEGER int64_t
#define FN(name) name##_f64
#include "typed.h"

#if VECTORS && (defined __x86_64__ || defined __i386__) && !defined WITHOUT_AVX2
#define HAS_AVX2 1
#undef VECTORS
#include <immintrin.h>
#if defined __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
#define VECTORS 32
#define T float
#define INTEGER int32_t
#define FN(name) name##_f32_avx2
#include "typed.h"
#define T double
#define INTEGER int64_t
#define FN(name) name##_f64_avx2
#include "typed.h"
#undef VECTORS
#if defined __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

static int uses_avx2;

static const kernels *kernels_of(int width)
{
#if defined HAS_AVX2
    if (uses_avx2) return width == 4 ? &kernels_f32_avx2 : &kernels_f64_avx2;
#endif
    return width == 4 ? &kernels_f32 : &kernels_f64;
}

/* ---- space ---- */

/* The next piece of the space: counted at first, then handed out. */
static void *piece(char *memory, size_t *used, idx count, size_t bytes)
{
    size_t at = *used;
    *used += ((size_t)count * bytes + 127) / 64 * 64;
    return memory ? memory + at : NULL;
}

static const void **pointers(char *memory, size_t *used, const char *base, idx m, size_t bytes)
{
    const void **rows = piece(memory, used, m, sizeof *rows);
    for (idx i = 0; rows && i < m; i++) rows[i] = base ? base + (size_t)i * bytes : NULL;
    return rows;
}

static int needs_slope(const layer *layer)
{
    return layer->kind == ACTIVATION && (layer->activation == GELU || layer->activation == SILU ||
                                         layer->activation == MISH || layer->activation == SOFTPLUS);
}

/* What a space is for: share k of a batch has use k where it predicts, and TRAINING + k where it trains. */
enum { TRAINING = MAX_SHARES, N_USES = TRAINING + MAX_SHARES };

static size_t lay_out(const network *net, const table *X, space *at, idx m, int n_parts, int use, char *memory)
{
    const size_t width = (size_t)net->width;
    size_t used = 0;
    idx n_squares = 0, widest = 16;
    memset(at, 0, sizeof *at);
    at->m = m, at->memory = memory;
    at->rows = piece(memory, &used, m, sizeof(int64_t));
    if (X->column_step != net->width) at->X = piece(memory, &used, m * net->n_in, width);
    char *input = at->X;
    for (int l = 0; l < net->n_layers; l++) {
        const layer *layer = &net->layers[l];
        const idx n = layer->n_out;
        widest = n > widest ? n : widest, widest = layer->n_in > widest ? layer->n_in : widest;
        n_squares += layer->kind == DENSE ? layer->n_in : 0;
        at->inputs[l] = pointers(memory, &used, l ? at->out[l - 1] : input, m, (size_t)layer->n_in * width);
        at->out[l] = layer->kind == ACTIVATION ? at->out[l - 1] : piece(memory, &used, m * n, width);
        if (needs_slope(layer) || layer->kind == LAYER_NORM || layer->kind == BATCH_NORM)
            at->extra[l] = piece(memory, &used, m * n, width);
        if (layer->kind == LAYER_NORM) at->inverse[l] = piece(memory, &used, m, width);
        if (layer->kind == BATCH_NORM) at->inverse[l] = piece(memory, &used, n, width);
        if (at->inverse[l] || layer->kind == LAYER_NORM || layer->kind == BATCH_NORM)
            at->normals[l] = pointers(memory, &used, at->extra[l], m, (size_t)n * width);
    }
    for (int p = 0; p < n_parts; p++)
        at->scratch[p] = piece(memory, &used, (m + DEPTH) * (64 + widest < 576 ? 64 + widest : 576) + widest, width);
    if (use < TRAINING) return used;
    for (int l = net->n_layers - 1; l >= net->first; l--) {
        const layer *above = l + 1 < net->n_layers ? &net->layers[l + 1] : NULL;
        if (above && (above->kind == ACTIVATION || above->kind == DROPOUT)) at->delta[l] = at->delta[l + 1];
        else if (!above && net->layers[l].kind == DENSE) at->delta[l] = at->out[l]; /* the loss takes raw as its own */
        else at->delta[l] = piece(memory, &used, m * net->layers[l].n_out, width);
        at->deltas[l] = pointers(memory, &used, at->delta[l], m, (size_t)net->layers[l].n_out * width);
    }
    at->y = piece(memory, &used, m * net->n_out, width);
    at->terms = piece(memory, &used, m * net->n_out, width);
    at->weights = net->sample_weight.values ? piece(memory, &used, m, width) : NULL;
    at->values = piece(memory, &used, m, sizeof(double));
    at->squares = piece(memory, &used, n_squares, sizeof(double));
    if (use > TRAINING) at->grad = piece(memory, &used, net->size, width);
    return used;
}

/* A space for m rows, or NULL for want of memory. */
static space *make_space(const network *net, const table *X, idx m, int n_parts, int use)
{
    space *at = malloc(sizeof *at);
    if (!at) return NULL;
    size_t bytes = lay_out(net, X, at, m, n_parts, use, NULL);
    char *memory = malloc(bytes + 64);
    if (!memory) {
        free(at);
        return NULL;
    }
    lay_out(net, X, at, m, n_parts, use, memory + (64 - (uintptr_t)memory % 64));
    at->memory = memory;
    return at;
}

static void free_space(space *at)
{
    if (at) free(at->memory);
    free(at);
}

/* ---- the door ---- */

typedef struct {
    PyObject_HEAD
    network net;
    int n_parts, n_views;
    idx work, widths;     /* multiplications and numbers per row */
    space *idle[N_USES]; /* kept from the last call of each use */
    Py_buffer views[6]; /* of the data, held as long as the plan lives */
} Plan;

static int refuse(const char *what, const char *needs)
{
    PyErr_Format(PyExc_ValueError, "%s must be %s.", what, needs);
    return -1;
}

/* A buffer of numbers of some kind ('f' floats, 'i' signed integers, 'b' bytes of 0 and 1), all aligned. */
static int open_buffer(PyObject *from, Py_buffer *view, const char *what, char kind, int width, int ndim, int writable)
{
    if (PyObject_GetBuffer(from, view, writable ? PyBUF_RECORDS : PyBUF_RECORDS_RO)) return -1;
    const char *format = view->format ? view->format : "B";
    const char *kinds = kind == 'f' ? "fd" : kind == 'i' ? "ilqn" : "?B";
    int fits = strlen(format) == 1 && strchr(kinds, *format) && view->ndim == ndim &&
               (width ? view->itemsize == width : view->itemsize == 4 || view->itemsize == 8);
    fits = fits && (uintptr_t)view->buf % (size_t)view->itemsize == 0;
    for (int i = 0; fits && i < ndim; i++) fits = view->strides[i] % view->itemsize == 0;
    if (fits) return 0;
    PyBuffer_Release(view);
    return refuse(what, "an aligned array of the plan's dtype and of the right dimension");
}

/* One contiguous vector of n numbers; any number of them if n is negative. */
static int open_vector(PyObject *from, Py_buffer *view, const char *what, char kind, int width, idx n, int writable)
{
    if (open_buffer(from, view, what, kind, width, 1, writable)) return -1;
    if ((n < 0 || view->shape[0] == n) && (view->shape[0] < 2 || view->strides[0] == view->itemsize)) return 0;
    PyBuffer_Release(view);
    return refuse(what, "contiguous and of the plan's length");
}

/* A table of rows: two-dimensional, or (data, indices, indptr) of a CSR matrix; its views go to `views`. */
static int open_table(PyObject *from, table *to, Py_buffer *views, const network *net)
{
    memset(to, 0, sizeof *to);
    if (!PyTuple_Check(from)) {
        if (open_buffer(from, views, "X", 'f', net->width, 2, 0)) return -1;
        *to = (table){.values = views->buf, .n_rows = views->shape[0], .row_step = views->strides[0],
                      .column_step = views->strides[1]};
        if (views->shape[1] == net->n_in) return 1;
        PyBuffer_Release(views);
        return refuse("X", "as wide as the network's input");
    }
    PyObject *data, *indices, *indptr;
    if (!PyArg_ParseTuple(from, "OOO", &data, &indices, &indptr)) return -1;
    if (open_vector(data, &views[0], "data", 'f', net->width, -1, 0)) return -1;
    if (open_vector(indices, &views[1], "indices", 'i', 0, -1, 0)) goto no_indices;
    if (open_vector(indptr, &views[2], "indptr", 'i', (int)views[1].itemsize, -1, 0)) goto no_starts;
    if (views[1].shape[0] < views[0].shape[0] || views[2].shape[0] < 1) {
        refuse("X", "a CSR matrix with as many indices as numbers");
        PyBuffer_Release(&views[2]);
        goto no_starts;
    }
    *to = (table){.values = views[0].buf, .n_rows = views[2].shape[0] - 1, .column_step = net->width,
                  .indices = views[1].buf, .starts = views[2].buf, .n_values = views[0].shape[0],
                  .index_bytes = (int)views[1].itemsize};
    return 3;
no_starts:
    PyBuffer_Release(&views[1]);
no_indices:
    PyBuffer_Release(&views[0]);
    return -1;
}

static int fits_in(idx first, idx n, idx size) { return first >= 0 && n <= size && first <= size - n; }

/* A layer's widths and places, all within the flat vector and fitting the layer before. */
static int read_layer(network *net, PyObject *from, idx *row)
{
    layer *layer = &net->layers[net->n_layers];
    const int l = net->n_layers++;
    if (!PyArg_ParseTuple(from, "iinnnnnnd", &layer->kind, &layer->activation, &layer->n_in, &layer->n_out,
                          &layer->first, &layer->second, &layer->mean, &layer->var, &layer->number)) return -1;
    const idx n_in = layer->n_in, n = layer->n_out, size = net->size;
    int fits = n_in > 0 && n > 0 && n_in < PTRDIFF_MAX / 64 / n && (l == 0 || net->layers[l - 1].n_out == n_in);
    const int norm = layer->kind == LAYER_NORM || layer->kind == BATCH_NORM;
    if (layer->kind == DENSE) {
        layer->row = *row, *row += n_in;
        fits = fits && fits_in(layer->first, n_in * n, size) && (layer->second < 0 || fits_in(layer->second, n, size));
    } else {
        fits = fits && n_in == n && (layer->kind != ACTIVATION || l > 0);
        if (norm || layer->kind == SCALE) fits = fits && fits_in(layer->first, n, size);
        if (norm) fits = fits && l > 0 && fits_in(layer->second, n, size);
        if (layer->kind == BATCH_NORM) fits = fits && fits_in(layer->mean, n, size) && fits_in(layer->var, n, size);
    }
    fits = fits && layer->kind >= DENSE && layer->kind <= SCALE;
    if (layer->kind == ACTIVATION) { /* it works in place, on what the layer before has no more need of */
        const int before = l ? net->layers[l - 1].kind : DROPOUT;
        fits = fits && before != DROPOUT && before != ACTIVATION;
        fits = fits && layer->activation >= IDENTITY && layer->activation <= SOFTPLUS;
    }
    if (layer->kind == BATCH_NORM) net->rowwise = 0;
    if (net->first < 0 && (layer->kind == DENSE || norm || layer->kind == SCALE)) net->first = l;
    return fits ? 0 : refuse("layers", "a chain that fits the flat vector");
}

static int read_data(Plan *plan, PyObject *X, PyObject *y, PyObject *weights)
{
    network *net = &plan->net;
    int n = open_table(X, &net->X, plan->views, net);
    if (n < 0) return -1;
    plan->n_views = n;
    Py_buffer *view = &plan->views[n];
    const int kind = net->target_kind;
    if (open_buffer(y, view, "y", kind == NUMBERS ? 'f' : kind == BOOLEANS ? 'b' : 'i',
                    kind == NUMBERS ? net->width : kind == BOOLEANS ? 1 : 0, kind == CLASSES ? 1 : 2, 0)) return -1;
    plan->n_views++;
    net->y = (table){.values = view->buf, .n_rows = view->shape[0], .row_step = view->strides[0],
                     .column_step = kind == CLASSES ? 0 : view->strides[1]};
    net->class_bytes = (int)view->itemsize;
    if (net->y.n_rows != net->X.n_rows || (kind != CLASSES && view->shape[1] != net->n_out))
        return refuse("y", "one row for each row of X, with one number for each output");
    if (weights == Py_None) return 0;
    view++;
    if (open_buffer(weights, view, "sample_weight", 'f', net->width, 1, 0)) return -1;
    plan->n_views++;
    net->sample_weight = (table){.values = view->buf, .row_step = view->strides[0]};
    return view->shape[0] == net->X.n_rows ? 0 : refuse("sample_weight", "one number for each row of X");
}

static void plan_free(PyObject *self)
{
    Plan *plan = (Plan *)self;
    PyTypeObject *type = Py_TYPE(self);
    for (int i = 0; i < plan->n_views; i++) PyBuffer_Release(&plan->views[i]);
    for (int use = 0; use < N_USES; use++) free_space(plan->idle[use]);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyObject *plan_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    PyObject *layers, *X, *y, *weights;
    Plan *plan = (Plan *)((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
    if (!plan) return NULL;
    network *net = &plan->net;
    net->first = -1, net->rowwise = 1;
    if (keywords && PyDict_Size(keywords)) { refuse("arguments", "given by position"); goto bad; }
    if (!PyArg_ParseTuple(arguments, "iniO!(iiiddd)OOO", &net->width, &net->size, &plan->n_parts,
                          &PyTuple_Type, &layers, &net->target_kind, &net->loss, &net->link, &net->loss_number,
                          &net->keep, &net->uniform, &X, &y, &weights)) goto bad;
    const Py_ssize_t n_layers = PyTuple_Size(layers);
    idx row = 0;
    if ((net->width != 4 && net->width != 8) || n_layers < 1 || n_layers > MAX_LAYERS) {
        refuse("the plan", "of 1 to 64 layers in float32 or float64");
        goto bad;
    }
    plan->n_parts = plan->n_parts < 1 ? 1 : plan->n_parts > MAX_PARTS ? MAX_PARTS : plan->n_parts;
    for (Py_ssize_t i = 0; i < n_layers; i++) {
        if (read_layer(net, PyTuple_GetItem(layers, i), &row)) goto bad;
        const layer *layer = &net->layers[i];
        plan->work += layer->kind == DENSE ? layer->n_in * layer->n_out : 8 * layer->n_out;
        plan->widths += layer->n_out;
    }
    net->last = net->n_layers - 1;
    net->n_in = net->layers[0].n_in, net->n_out = net->layers[net->last].n_out;
    if (net->first < 0) { refuse("layers", "such that one has parameters"); goto bad; }
    if (y != Py_None && read_data(plan, X, y, weights)) goto bad;
    if (net->X.starts && net->layers[0].kind != DENSE) { refuse("X", "dense for this first layer"); goto bad; }
    if (!net->X.starts) plan->widths += net->n_in;
    if (y != Py_None) forget_jobs(); /* a prediction between two steps of a fit ends no row */
    return (PyObject *)plan;
bad:
    Py_DECREF(plan);
    return NULL;
}

/* ---- the calls ---- */

static void run_forward(void *s, int part) { kernels_of(((step *)s)->net->width)->forward(s, part); }
static void run_gradient(void *s, int part) { kernels_of(((step *)s)->net->width)->gradient(s, part); }
static void run_penalty(void *s, int part) { kernels_of(((step *)s)->net->width)->penalty(s, part); }

#define ALONE 60000  /* multiplications for which the interpreter's lock is kept: giving it up costs more */
#define WORTH 500000 /* multiplications that are worth a thread */
#define WORTH_UPDATE 30000 /* parameters that are worth one */
#define WORTH_WAKING 4000000 /* multiplications that are worth waking one */

static int parts_for(const Plan *plan, idx m)
{
    idx parts = m * plan->work / WORTH + 1;
    parts = parts > plan->n_parts ? plan->n_parts : parts;
    return (int)(parts > (m + 11) / 12 ? (m + 11) / 12 : parts);
}

/* How many shares a batch has: one where the gradient is larger than what flows through the network. The shape alone
   decides, so that no bit depends on the number of threads. None is empty: they begin at multiples of 12 rows. */
static int shares_for(const Plan *plan, idx m)
{
    const network *net = &plan->net;
    if (!net->rowwise || m <= 12 || m * plan->work < WORTH || m * plan->widths < 4 * net->size) return 1;
    return m > 4 * BLOCK ? 4 : 2;
}

/* The space is taken out of the plan while it is in use: another thread that calls makes one of its own. */
static space *take_space(Plan *plan, const table *X, idx m, int use)
{
    space *at = plan->idle[use];
    plan->idle[use] = NULL;
    if (at && at->m >= m && (at->X || X->column_step == plan->net.width)) return at;
    free_space(at);
    at = make_space(&plan->net, X, m, plan->n_parts, use);
    if (!at) PyErr_NoMemory();
    return at;
}

typedef struct {
    step steps[MAX_SHARES]; /* one per share */
    double totals[MAX_SHARES];
    const char *rows;
    int row_bytes, n_parts, n_shares, wakes;
    idx m, start, block;
} batch;

static void give_back(Plan *plan, batch *b, int first_use)
{
    while (b->n_shares--) {
        space *at = b->steps[b->n_shares].at;
        const int use = first_use + b->n_shares;
        if (plan->idle[use] || at->m > 4096) free_space(at);
        else plan->idle[use] = at;
    }
}

/* A space per share; 0 for want of memory. */
static int take_spaces(Plan *plan, const table *X, batch *b, int first_use, int n_shares)
{
    for (b->n_shares = 0; b->n_shares < n_shares; b->n_shares++) {
        b->steps[b->n_shares].at = take_space(plan, X, b->block, first_use + b->n_shares);
        if (b->steps[b->n_shares].at) continue;
        give_back(plan, b, first_use);
        return 0;
    }
    return 1;
}

/* Rows begin:end of the batch, in blocks where each row goes alone. */
static double run_blocks(const batch *b, step *s, idx begin, idx end)
{
    double total = 0;
    const idx n_blocks = (end - begin + b->block - 1) / b->block, size = (end - begin + n_blocks - 1) / n_blocks;
    int64_t *index = s->at->rows;
    for (idx at = begin; at < end; at += size) {
        s->m = end - at < size ? end - at : size;
        s->start = b->start + at, s->start_of_block = at;
        s->accumulate = at > begin, s->final = at + s->m == end;
        s->at->rows = b->rows ? index : NULL;
        for (idx i = 0; b->rows && i < s->m; i++) {
            int32_t narrow;
            if (b->row_bytes == 4) memcpy(&narrow, b->rows + (at + i) * 4, 4), index[i] = narrow;
            else memcpy(&index[i], b->rows + (at + i) * 8, 8);
            if (index[i] < 0 || index[i] >= s->X->n_rows) s->bad = 1, index[i] = 0;
        }
        if (s->bad) break;
        run_parts(run_forward, s, s->n_parts, b->wakes);
        if (s->bad) break;
        if (s->training) run_parts(run_gradient, s, s->n_parts, b->wakes);
        for (idx i = 0; !s->result && i < s->m; i++) total += s->at->values[i];
    }
    s->at->rows = index;
    return total;
}

static void run_shares(void *given, int part)
{
    batch *b = given;
    for (int k = part; k < b->n_shares; k += b->n_parts)
        b->totals[k] = run_blocks(b, &b->steps[k], part_of(b->m, k, b->n_shares, 12),
                                  part_of(b->m, k + 1, b->n_shares, 12));
}

static void add_shares(void *given, int part)
{
    batch *b = given;
    const step *s = &b->steps[0];
    const idx size = s->net->size;
    for (int k = 1; k < b->n_shares; k++)
        kernels_of(s->net->width)->add(s->grad, b->steps[k].grad, part_of(size, part, s->n_parts, 64),
                                       part_of(size, part + 1, s->n_parts, 64));
}

/* The whole batch; the loss is that of its rows. */
static double run_batch(batch *b)
{
    step *s = &b->steps[0];
    const double l1 = s->l1, l2 = s->l2;
    int waits = b->n_shares > 1;
    if (b->n_shares == 1) {
        s->n_parts = b->n_parts;
        b->totals[0] = run_blocks(b, s, 0, b->m);
    } else {
        s->l1 = s->l2 = 0;
        for (int k = 1; k < b->n_shares; k++) {
            space *at = b->steps[k].at;
            b->steps[k] = *s, b->steps[k].at = at, b->steps[k].grad = at->grad;
        }
        run_parts(run_shares, b, b->n_parts, b->wakes);
        for (int k = 1; k < b->n_shares; k++) b->totals[0] += b->totals[k], s->bad |= b->steps[k].bad;
        s->n_parts = s->net->size < WORTH_UPDATE ? 1 : b->n_parts;
        if (!s->bad && s->training) run_parts(add_shares, b, s->n_parts, 0);
        s->l1 = l1, s->l2 = l2;
    }
    for (int l = s->net->first; l < s->net->n_layers; l++) waits |= by_columns(s, l);
    if (waits && s->training && (l1 || l2) && !s->bad) run_parts(run_penalty, s, s->n_parts, 0);
    return b->totals[0];
}

/* With None for grad: the loss at inference, without penalty. */
static PyObject *plan_loss_and_grad(PyObject *self, PyObject *arguments)
{
    Plan *plan = (Plan *)self;
    const network *net = &plan->net;
    PyObject *params, *grad, *rows, *draws, *result = NULL;
    Py_buffer params_view, grad_view, rows_view = {0}, draw_views[MAX_LAYERS];
    int n_draws = 0;
    idx start, stop;
    batch b = {.n_shares = 1};
    step s = {.net = net, .X = &net->X};
    if (!PyArg_ParseTuple(arguments, "OOOnndddO!", &params, &grad, &rows, &start, &stop, &s.scale, &s.l1, &s.l2,
                          &PyTuple_Type, &draws)) return NULL;
    if (!net->y.values) { refuse("the plan", "one that has targets"); return NULL; }
    if (open_vector(params, &params_view, "params", 'f', net->width, net->size, 0)) return NULL;
    s.training = grad != Py_None;
    if (s.training && open_vector(grad, &grad_view, "grad", 'f', net->width, net->size, 1)) goto no_grad;
    if (rows != Py_None) {
        if (open_vector(rows, &rows_view, "rows", 'i', 0, -1, 0)) goto no_rows;
        start = 0, stop = rows_view.shape[0];
    } else if (start < 0 || start > stop || stop > net->X.n_rows) {
        refuse("rows", "within X");
        goto no_rows;
    }
    const idx m = stop - start;
    for (int l = 0, i = 0; l < net->n_layers; l++) {
        if (net->layers[l].kind != DROPOUT || !s.training) continue;
        PyObject *draw = i < PyTuple_Size(draws) ? PyTuple_GetItem(draws, i++) : Py_None;
        Py_buffer *view = &draw_views[n_draws];
        if (open_vector(draw, view, "draws", 'f', 8, m * net->layers[l].n_out, 0)) goto done;
        n_draws++;
        s.draws[l] = view->buf;
    }
    if (!m) { refuse("rows", "at least one"); goto done; }
    s.n_shares = s.training ? shares_for(plan, m) : 1;
    b.block = (net->rowwise || !s.training) && m > BLOCK ? BLOCK : m;
    b.n_parts = parts_for(plan, s.n_shares > 1 ? m : b.block), b.m = m, b.start = start;
    b.wakes = m * plan->work > WORTH_WAKING;
    b.rows = rows_view.buf, b.row_bytes = (int)rows_view.itemsize;
    if (!take_spaces(plan, s.X, &b, TRAINING, s.n_shares)) goto done;
    s.at = b.steps[0].at, s.params = params_view.buf, s.grad = s.training ? grad_view.buf : NULL;
    s.n_parts = 1, b.steps[0] = s;
    double total;
    if (m * plan->work < ALONE) {
        total = run_batch(&b);
    } else {
        Py_BEGIN_ALLOW_THREADS
        total = run_batch(&b);
        Py_END_ALLOW_THREADS
    }
    s = b.steps[0];
    total *= s.scale;
    if (s.training && (s.l1 || s.l2))
        for (int l = 0; l < net->n_layers; l++)
            for (idx j = 0; net->layers[l].kind == DENSE && j < net->layers[l].n_in; j++)
                total += s.at->squares[net->layers[l].row + j];
    if (s.bad) PyErr_SetString(PyExc_IndexError, "rows, or indices of X or y, are out of bounds.");
    else result = PyFloat_FromDouble(total);
    give_back(plan, &b, TRAINING);
done:
    while (n_draws) PyBuffer_Release(&draw_views[--n_draws]);
    if (rows_view.obj) PyBuffer_Release(&rows_view);
no_rows:
    if (s.training) PyBuffer_Release(&grad_view);
no_grad:
    PyBuffer_Release(&params_view);
    return result;
}

static PyObject *plan_predict(PyObject *self, PyObject *arguments)
{
    Plan *plan = (Plan *)self;
    const network *net = &plan->net;
    PyObject *params, *given, *out, *result = NULL;
    Py_buffer params_view, out_view, views[3];
    table X;
    batch b = {.n_shares = 1};
    step s = {.net = net, .X = &X};
    if (!PyArg_ParseTuple(arguments, "OOO", &params, &given, &out)) return NULL;
    if (open_vector(params, &params_view, "params", 'f', net->width, net->size, 0)) return NULL;
    int n_views = open_table(given, &X, views, net);
    if (n_views < 0) goto no_table;
    const idx m = X.n_rows;
    if (X.starts && net->layers[0].kind != DENSE) { refuse("X", "dense for this first layer"); goto no_out; }
    if (open_vector(out, &out_view, "out", 'f', net->width, m * net->n_out, 1)) goto no_out;
    if (m) {
        b.m = m, b.block = m > BLOCK ? BLOCK : m;
        s.n_shares = m > 2 * BLOCK ? parts_for(plan, m) : 1; /* no bit depends on it */
        b.n_parts = parts_for(plan, s.n_shares > 1 ? m : b.block), b.wakes = m * plan->work > WORTH_WAKING;
        if (!take_spaces(plan, s.X, &b, 0, s.n_shares)) goto done;
        s.at = b.steps[0].at, s.params = params_view.buf, s.result = out_view.buf;
        s.n_parts = 1, b.steps[0] = s;
        if (m * plan->work < ALONE) {
            run_batch(&b);
        } else {
            Py_BEGIN_ALLOW_THREADS
            run_batch(&b);
            Py_END_ALLOW_THREADS
        }
        s.bad = b.steps[0].bad;
        give_back(plan, &b, 0);
    }
    if (s.bad) PyErr_SetString(PyExc_IndexError, "indices of X are out of bounds.");
    else Py_INCREF(result = Py_None);
done:
    PyBuffer_Release(&out_view);
no_out:
    while (n_views) PyBuffer_Release(&views[--n_views]);
no_table:
    PyBuffer_Release(&params_view);
    return result;
}

typedef struct {
    update update;
    int width, n_parts;
} updates;

static void run_update(void *given, int part)
{
    updates *u = given;
    const idx n = u->update.size;
    kernels_of(u->width)->steps(&u->update, part_of(n, part, u->n_parts, 64), part_of(n, part + 1, u->n_parts, 64));
}

/* Whether two arrays share memory: then numpy's order of work would count. */
static int overlap(const Py_buffer *a, const Py_buffer *b)
{
    const char *x = a->buf, *y = b->buf;
    return x < y + b->len && y < x + a->len;
}

/* Parts of the vector and factors on their learning rates. */
static int read_factors(update *to, PyObject *factors)
{
    to->n_factors = (int)PyTuple_Size(factors);
    if (to->n_factors > MAX_FACTORS) return refuse("factors", "no more than the kernels hold");
    for (int k = 0; k < to->n_factors; k++)
        if (!PyArg_ParseTuple(PyTuple_GetItem(factors, k), "nnd", &to->paced[k].start, &to->paced[k].stop,
                              &to->paced[k].factor)) return -1;
    return 0;
}

static PyObject *engine_update(PyObject *module, PyObject *arguments)
{
    static const int slots_of[] = {0, 1, 1, 1, 1, 2, 2, 2};
    PyObject *arrays[5], *factors, *result = NULL;
    Py_buffer views[5];
    int n_views = 0;
    updates u = {0};
    update *to = &u.update;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "iOOOOdddddinndO!Od", &to->rule, &arrays[0], &arrays[1], &arrays[2], &arrays[3],
                          &to->rate, &to->numbers[0], &to->numbers[1], &to->numbers[2], &to->numbers[3], &u.n_parts,
                          &to->decay_start, &to->decay_stop, &to->kept, &PyTuple_Type, &factors, &arrays[4],
                          &to->weight)) return NULL;
    if (to->rule < SGD || to->rule > ADAMW) { refuse("rule", "a known one"); return NULL; }
    if (read_factors(to, factors)) goto done;
    int n_arrays = 2 + slots_of[to->rule];
    if (arrays[4] != Py_None) arrays[n_arrays++] = arrays[4];
    for (int i = 0; i < n_arrays; i++) {
        if (open_vector(arrays[i], &views[i], "an array", 'f', u.width, i ? to->size : -1, i != 1)) goto done;
        n_views++;
        if (i == 0) u.width = (int)views[0].itemsize, to->size = views[0].shape[0];
        for (int k = 0; k < i; k++)
            if (overlap(&views[i], &views[k])) { refuse("arrays", "apart from each other"); goto done; }
        if (i >= 2 + slots_of[to->rule]) to->average = views[i].buf;
        else if (i >= 2) to->slots[i - 2] = views[i].buf;
    }
    if (to->decay_start < 0) to->decay_start = 0;
    for (int k = 0; k < to->n_factors; k++) if (to->paced[k].start < 0) to->paced[k].start = 0;
    to->params = views[0].buf, to->grad = views[1].buf;
    const idx worth = to->size / WORTH_UPDATE + 1;
    u.n_parts = u.n_parts > MAX_PARTS ? MAX_PARTS : u.n_parts < 1 ? 1 : u.n_parts;
    u.n_parts = worth < u.n_parts ? (int)worth : u.n_parts;
    if (u.n_parts == 1) run_update(&u, 0);
    else {
        Py_BEGIN_ALLOW_THREADS
        run_parts(run_update, &u, u.n_parts, 0);
        Py_END_ALLOW_THREADS
    }
    Py_INCREF(result = Py_True);
done:
    while (n_views) PyBuffer_Release(&views[--n_views]);
    if (!result && (PyErr_ExceptionMatches(PyExc_ValueError) || PyErr_ExceptionMatches(PyExc_BufferError) ||
                    PyErr_ExceptionMatches(PyExc_TypeError))) {
        PyErr_Clear(); /* arrays that are not for the kernels: numpy takes them, or says what is wrong */
        Py_INCREF(result = Py_False);
    }
    return result;
}

/* ---- the module ---- */

/* Vectors compute lanes that nobody reads: the processor's flags stay as they were, or numpy's next call would warn. */
#define KEEPING_FLAGS(function)                                               \
    static PyObject *quiet_##function(PyObject *self, PyObject *arguments)   \
    {                                                                         \
        fenv_t before;                                                        \
        feholdexcept(&before);                                                \
        PyObject *result = function(self, arguments);                        \
        fesetenv(&before);                                                    \
        return result;                                                        \
    }
KEEPING_FLAGS(plan_loss_and_grad)
KEEPING_FLAGS(plan_predict)
KEEPING_FLAGS(engine_update)

static PyMethodDef plan_methods[] = {
    {"loss_and_grad", quiet_plan_loss_and_grad, METH_VARARGS,
     "loss_and_grad(params, grad, rows, start, stop, scale, l1, l2, draws) -> loss"},
    {"predict", quiet_plan_predict, METH_VARARGS, "predict(params, X, out)"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot plan_slots[] = {
    {Py_tp_new, plan_new}, {Py_tp_dealloc, plan_free}, {Py_tp_methods, plan_methods},
    {Py_tp_doc, "Plan(itemsize, size, threads, layers, loss, X, y, sample_weight)"}, {0, NULL},
};

static PyType_Spec plan_spec = {"skmlp_scratch._engine._kernels.Plan", sizeof(Plan), 0, Py_TPFLAGS_DEFAULT, plan_slots};

static PyMethodDef methods[] = {
    {"update", quiet_engine_update, METH_VARARGS,
     "update(rule, params, grad, slot, slot, rate, 4 numbers, threads, start and stop of what decays, what decay "
     "leaves, factors, average or None, weight of the step in it) -> whether the arrays were fit for it"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_kernels", .m_doc = "Compiled kernels.", .m_size = -1, .m_methods = methods,
};

PyMODINIT_FUNC PyInit__kernels(void)
{
    PyObject *module = PyModule_Create(&definition);
    PyObject *type = module ? PyType_FromSpec(&plan_spec) : NULL;
    if (!type) goto bad;
#if defined HAS_AVX2
    __builtin_cpu_init();
    uses_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    if (PyModule_AddObjectRef(module, "Plan", type) || PyModule_AddIntConstant(module, "avx2", uses_avx2)) goto bad;
    Py_DECREF(type);
    if (prepare_pool()) {
        PyErr_NoMemory();
        Py_DECREF(module);
        return NULL;
    }
    return module;
bad:
    Py_XDECREF(type);
    Py_XDECREF(module);
    return NULL;
}
