/* Forward, loss and backward of one block of rows. A part takes some of the rows as far as each goes alone, then
   some of the entries of the gradient, which are sums over all rows: no bit depends on the number of parts. */

#define MATH(name) (IS_DOUBLE ? (T)name((double)x) : (T)name##f((float)x))
static INLINE T FN(libm_exp)(T x) { return MATH(exp); }
static INLINE T FN(libm_log)(T x) { return MATH(log); }
static INLINE T FN(libm_expm1)(T x) { return MATH(expm1); }
static INLINE T FN(libm_erf)(T x) { return MATH(erf); }

/* Apply BODY to x, the vectors of `at`, n numbers long. */
#define MAP(at, BODY) { \
        idx i = 0; \
        for (; i + LANES <= n; i += LANES) { V x = FN(load)(at + i); BODY; FN(store)(at + i, x); } \
        if (i < n) { V x = FN(load_part)(at + i, n - i); BODY; FN(store_part)(at + i, x, n - i); } }

/* The same over `at` beside `beside`: x and y, of which both may be changed. */
#define MAP2(at, beside, BODY) { \
        idx i = 0; \
        for (; i + LANES <= n; i += LANES) { \
            V x = FN(load)(at + i), y = FN(load)(beside + i); BODY; FN(store)(at + i, x); FN(store)(beside + i, y); } \
        if (i < n) { \
            V x = FN(load_part)(at + i, n - i), y = FN(load_part)(beside + i, n - i); BODY; \
            FN(store_part)(at + i, x, n - i); FN(store_part)(beside + i, y, n - i); } }

#define LEAKY_SLOPE ((T)0.01)
#define SELU_SCALE ((T)1.0507009873554805)
#define SELU_SLOPE ((T)(1.0507009873554805 * 1.6732632423543772))

/* z becomes a; where a alone does not tell the slope, that goes to `slope`. */
static void FN(activate)(int activation, T *z, T *slope, idx n)
{
    const V one = FN(splat)(1);
    switch (activation) {
    case TANH: MAP(z, x = FN(tanh)(x)) break;
    case LOGISTIC: MAP(z, x = FN(logistic)(x)) break;
    case RELU: MAP(z, x = FN(maximum)(x, 0)) break;
    case LEAKY_RELU: MAP(z, x *= FN(select)(x > 0, one, FN(splat)(LEAKY_SLOPE))) break;
    case ELU: MAP(z, x = FN(select)(x > 0, x, FN(expm1)(FN(minimum)(x, 0)))) break;
    case SELU: MAP(z, x = FN(select)(x > 0, SELU_SCALE * x, SELU_SLOPE * FN(expm1)(FN(minimum)(x, 0)))) break;
    case SILU: MAP2(z, slope, V s = FN(logistic)(x); x *= s; y = s + x * (1 - s)) break;
    case SOFTPLUS: MAP2(z, slope, y = FN(logistic)(x); x = FN(maximum)(x, 0) + FN(log1p)(FN(exp)(-FN(abs)(x)))) break;
    case MISH: MAP2(z, slope, V t = FN(tanh)(FN(maximum)(x, 0) + FN(log1p)(FN(exp)(-FN(abs)(x))));
                    y = t + x * (1 - t * t) * FN(logistic)(x); x *= t) break;
    case GELU: {
        for (idx i = 0; i < n; i++) slope[i] = (T)0.5 * (1 + FN(libm_erf)(z[i] / (T)1.4142135623730951));
        MAP2(z, slope, V cdf = y; y = cdf + x * FN(exp)((T)-0.5 * x * x) / (T)2.5066282746310002; x *= cdf)
        break;
    }
    }
}

/* delta times the slope at a. Products, not selections: a NaN of delta stays one where the slope is zero. */
static void FN(activate_backward)(int activation, T *delta, T *a, T *slope, idx n)
{
    const V one = FN(splat)(1), zero = FN(splat)(0);
    switch (activation) {
    case IDENTITY: break;
    case TANH: MAP2(delta, a, x *= 1 - y * y) break;
    case LOGISTIC: MAP2(delta, a, x *= (1 - y) * y) break;
    case RELU: MAP2(delta, a, x *= FN(select)(y > 0, one, zero)) break;
    case LEAKY_RELU: MAP2(delta, a, x *= FN(select)(y > 0, one, FN(splat)(LEAKY_SLOPE))) break;
    case ELU: MAP2(delta, a, x *= FN(minimum)(y, 0) + 1) break;
    case SELU: MAP2(delta, a, x *= FN(select)(y > 0, FN(splat)(SELU_SCALE), y + SELU_SLOPE)) break;
    default: MAP2(delta, slope, x *= y)
    }
}

/* A mask is 0 or 1 / (1 - p), from numbers drawn by the caller. */
static void FN(drop)(const double *draws, double p, const T *from, T *to, idx n)
{
    const T keep = 1 / (T)(1 - p);
    for (idx i = 0; i < n; i++) to[i] = from[i] * (draws[i] >= p ? keep : 0);
}

/* Means and deviations over `count` numbers at a distance of `pace`; normal and 1 / sqrt(variance + epsilon). */
static T FN(standardize)(const T *x, T *normal, idx count, idx pace)
{
    T mean = 0, square = 0;
    for (idx i = 0; i < count; i++) mean += x[i * pace];
    mean /= (T)count;
    for (idx i = 0; i < count; i++) {
        normal[i * pace] = x[i * pace] - mean;
        square += normal[i * pace] * normal[i * pace];
    }
    T inverse = 1 / FN(root)(square / (T)count + (T)1e-5);
    for (idx i = 0; i < count; i++) normal[i * pace] *= inverse;
    return inverse;
}

/* dL/dX of the same numbers; gamma has a pace of its own, as it is shared by rows and constant in a column. */
static void FN(standardize_backward)(const T *delta, const T *normal, const T *gamma, idx gamma_pace, T inverse,
                                     T *result, idx count, idx pace)
{
    T mean = 0, pull = 0;
    for (idx i = 0; i < count; i++) {
        T d = delta[i * pace] * gamma[i * gamma_pace];
        mean += d, pull += d * normal[i * pace];
    }
    mean /= (T)count, pull /= (T)count;
    for (idx i = 0; i < count; i++)
        result[i * pace] = (delta[i * pace] * gamma[i * gamma_pace] - mean - normal[i * pace] * pull) * inverse;
}

static void FN(normalize)(step *s, int l, idx r0, idx r1)
{
    const layer *layer = &s->net->layers[l];
    const idx n = layer->n_in;
    const T *gamma = (const T *)s->params + layer->first, *beta = (const T *)s->params + layer->second;
    const T *const *in = (const T *const *)s->at->inputs[l];
    T *out = s->at->out[l], *normal = s->at->extra[l], *inverse = s->at->inverse[l];
    if (layer->kind == LAYER_NORM) {
        for (idx i = r0; i < r1; i++) inverse[i] = FN(standardize)(in[i], normal + i * n, n, 1);
    } else if (s->training) { /* inputs of a batch normalization are never the rows of X: they lie one after another */
        for (idx j = 0; j < n; j++) inverse[j] = FN(standardize)(in[r0] + j, normal + r0 * n + j, r1 - r0, n);
    } else {
        const T *mean = (const T *)s->params + layer->mean, *var = (const T *)s->params + layer->var;
        for (idx i = r0; i < r1; i++)
            for (idx j = 0; j < n; j++)
                normal[i * n + j] = (in[i][j] - mean[j]) / FN(root)(var[j] + (T)1e-5);
    }
    for (idx i = r0; i < r1; i++)
        for (idx j = 0; j < n; j++) out[i * n + j] = normal[i * n + j] * gamma[j] + beta[j];
}

static void FN(normalize_backward)(step *s, int l, idx r0, idx r1)
{
    const layer *layer = &s->net->layers[l];
    const idx n = layer->n_in;
    const T *gamma = (const T *)s->params + layer->first, *normal = s->at->extra[l], *inverse = s->at->inverse[l];
    T *delta = s->at->delta[l], *below = s->at->delta[l - 1];
    if (layer->kind == LAYER_NORM)
        for (idx i = r0; i < r1; i++)
            FN(standardize_backward)(delta + i * n, normal + i * n, gamma, 1, inverse[i], below + i * n, n, 1);
    else
        for (idx j = 0; j < n; j++)
            FN(standardize_backward)(delta + j, normal + j, gamma + j, 0, inverse[j], below + j, s->m, n);
}

static INLINE idx FN(read_index)(const char *at, idx i, int bytes)
{
    int32_t narrow;
    int64_t wide;
    if (bytes == 4) { memcpy(&narrow, at + i * 4, 4); return narrow; }
    memcpy(&wide, at + i * 8, 8);
    return (idx)wide;
}

static INLINE int64_t FN(row)(const step *s, idx i) { return s->at->rows ? s->at->rows[i] : s->start + i; }

/* The stored values of one row of X: 0 where what is stored does not fit, which is reported after the step. */
static INLINE idx FN(stored)(step *s, idx i, idx *begin)
{
    const table *X = s->X;
    idx r = (idx)FN(row)(s, i), stop = FN(read_index)(X->starts, r + 1, X->index_bytes);
    *begin = FN(read_index)(X->starts, r, X->index_bytes);
    if (*begin >= 0 && *begin <= stop && stop <= X->n_values) return stop;
    s->bad = 1;
    return *begin;
}

static void FN(sparse_product)(step *s, const layer *layer, idx r0, idx r1, T *out)
{
    const T *W = (const T *)s->params + layer->first;
    const T *b = layer->second < 0 ? NULL : (const T *)s->params + layer->second;
    const idx n = layer->n_out;
    for (idx i = r0; i < r1; i++) {
        T *z = out + i * n;
        idx p, stop = FN(stored)(s, i, &p);
        for (idx j = 0; j < n; j++) z[j] = b ? b[j] : 0;
        for (; p < stop; p++) {
            idx k = FN(read_index)(s->X->indices, p, s->X->index_bytes);
            if (k < 0 || k >= layer->n_in) { s->bad = 1; continue; }
            const T x = ((const T *)s->X->values)[p], *w = W + k * n;
            for (idx j = 0; j < n; j++) z[j] += x * w[j];
        }
    }
}

static void FN(sparse_gradient)(step *s, const layer *layer, idx first, idx last, const T *delta, T *grad)
{
    const idx n = layer->n_out;
    if (!s->accumulate)
        for (idx k = 0; k < layer->n_in; k++) memset(grad + k * n + first, 0, (size_t)(last - first) * sizeof(T));
    for (idx i = 0; i < s->m; i++) {
        idx p, stop = FN(stored)(s, i, &p);
        const T *d = delta + i * n;
        for (; p < stop; p++) {
            idx k = FN(read_index)(s->X->indices, p, s->X->index_bytes);
            if (k < 0 || k >= layer->n_in) { s->bad = 1; continue; }
            const T x = ((const T *)s->X->values)[p];
            T *g = grad + k * n;
            for (idx j = first; j < last; j++) g[j] += x * d[j];
        }
    }
}

/* Rows of X as they lie where their numbers are neighbours, else copies. */
static void FN(gather)(step *s, idx r0, idx r1)
{
    const table *X = s->X;
    const T **in = (const T **)s->at->inputs[0];
    const idx n = s->net->n_in;
    for (idx i = r0; i < r1; i++) {
        const char *row = X->values + FN(row)(s, i) * X->row_step;
        if (X->column_step == (idx)sizeof(T)) {
            in[i] = (const T *)row;
            continue;
        }
        T *copy = (T *)s->at->X + i * n;
        for (idx j = 0; j < n; j++) copy[j] = *(const T *)(row + j * X->column_step);
        in[i] = copy;
    }
}

static void FN(gather_targets)(step *s, idx r0, idx r1)
{
    const network *net = s->net;
    const table *y = &net->y;
    const idx n = net->n_out;
    const T keep = (T)net->keep, uniform = (T)net->uniform;
    T *to = (T *)s->at->y + r0 * n, *weights = s->at->weights;
    for (idx i = r0; i < r1; i++, to += n) {
        const char *from = y->values + FN(row)(s, i) * y->row_step;
        if (net->target_kind == CLASSES) {
            idx k = FN(read_index)(from, 0, net->class_bytes);
            for (idx j = 0; j < n; j++) to[j] = 0;
            if (k >= 0 && k < n) to[k] = 1;
            else s->bad = 1;
        } else if (net->target_kind == BOOLEANS) {
            for (idx j = 0; j < n; j++) to[j] = (T)*(const unsigned char *)(from + j * y->column_step);
        } else {
            for (idx j = 0; j < n; j++) to[j] = *(const T *)(from + j * y->column_step);
        }
        if (net->keep != 1 || net->uniform)
            for (idx j = 0; j < n; j++) to[j] = keep * to[j] + uniform;
        if (weights) weights[i] = *(const T *)(net->sample_weight.values + FN(row)(s, i) * net->sample_weight.row_step);
    }
}

/* A loss behind a link: its value, and d its slope with respect to raw; as losses.py has them. */
static T FN(pointwise)(const network *net, T y, T raw, T *d)
{
    const T parameter = (T)net->loss_number;
    if (net->loss == POISSON) {
        T y_pred = FN(libm_exp)(raw), log_ratio = raw - (y > 0 ? FN(libm_log)(y) : 0);
        *d = y_pred - y;
        if (y > 0 && log_ratio < 1 && log_ratio > -1) return y * (FN(libm_expm1)(log_ratio) - log_ratio);
        return y_pred - y - y * log_ratio;
    }
    if (net->loss == GAMMA) {
        T log_ratio = FN(libm_log)(y) - raw, excess = FN(libm_expm1)(log_ratio);
        *d = -excess;
        return excess - log_ratio;
    }
    T y_pred = raw;
    if (net->link == LINK_LOG) y_pred = FN(libm_exp)(raw);
    if (net->link == LINK_LOGISTIC) y_pred = 1 / (1 + FN(libm_exp)(-raw));
    T e = y_pred - y, value;
    switch (net->loss) {
    case SQUARED: value = (T)0.5 * e * e, *d = e; break;
    case ABSOLUTE: value = e < 0 ? -e : e, *d = e > 0 ? 1 : e < 0 ? -1 : e; break;
    case HUBER:
        *d = e > parameter ? parameter : e < -parameter ? -parameter : e;
        value = *d * (e - (T)0.5 * *d);
        break;
    default: /* the quantile */
        *d = e > 0 ? (T)(1 - net->loss_number) : e == 0 ? 0 : -parameter;
        value = *d * e;
    }
    if (net->link == LINK_LOG) *d *= y_pred;
    if (net->link == LINK_LOGISTIC) *d = *d * y_pred * (1 - y_pred);
    return value;
}

static INLINE V FN(load_row)(const T *from, idx left, T fill)
{
    T part[BYTES / sizeof(T)];
    if (left >= LANES) return FN(load)(from);
    for (idx j = 0; j < LANES; j++) part[j] = j < left ? from[j] : fill;
    return FN(load)(part);
}

static INLINE void FN(store_row)(T *to, V x, idx left)
{
    T part[BYTES / sizeof(T)];
    FN(store)(part, x);
    if (left >= LANES) FN(store)(to, x);
    else for (idx j = 0; j < left; j++) to[j] = part[j];
}

/* log sum exp(raw) - y . raw, and (softmax(raw) - y) * scale, of one row; d may be raw. */
static T FN(categorical)(const T *raw, const T *y, T *d, idx n, T scale)
{
    /* No infinity stays behind on the stack, where other libraries multiply what they do not use, and warn. */
    const T least = IS_DOUBLE ? (T)-DBL_MAX : (T)-FLT_MAX;
    V most = FN(splat)(least), sum = FN(splat)(0), dot = sum;
    for (idx j = 0; j < n; j += LANES) {
        V x = FN(load_row)(raw + j, n - j, least);
        most = FN(select)(x > most, x, most);
    }
    T each[BYTES / sizeof(T)], top = least;
    FN(store)(each, most);
    for (idx j = 0; j < LANES; j++) top = each[j] > top ? each[j] : top;
    for (idx j = 0; j < n; j += LANES) {
        V x = FN(load_row)(raw + j, n - j, top) - top, e = FN(exp)(x);
        dot += x * FN(load_row)(y + j, n - j, 0);
        FN(store_row)(d + j, e, n - j);
        sum += FN(load_row)(d + j, n - j, 0);
    }
    T total = FN(sum)(sum);
    for (idx j = 0; j < n; j += LANES)
        FN(store_row)(d + j, (FN(load_row)(d + j, n - j, 0) / total - FN(load_row)(y + j, n - j, 0)) * scale, n - j);
    return FN(libm_log)(total) - FN(sum)(dot);
}

static void FN(evaluate)(step *s, idx r0, idx r1)
{
    const network *net = s->net;
    const idx width = net->n_out, n = (r1 - r0) * width;
    const int sums = net->loss == BINARY || net->loss == CATEGORICAL;
    T *raw = (T *)s->at->out[net->last] + r0 * width, *d = (T *)s->at->delta[net->last] + r0 * width;
    T *y = (T *)s->at->y + r0 * width, *terms = (T *)s->at->terms + r0 * width, *weights = s->at->weights;
    if (net->loss == BINARY) {
        for (idx i = 0; i < n; i += LANES) {
            V x = FN(load_row)(raw + i, n - i, 0), target = FN(load_row)(y + i, n - i, 0), e = FN(exp)(-FN(abs)(x));
            FN(store_row)(terms + i, FN(log1p)(e) + (FN(maximum)(x, 0) - target * x), n - i);
            FN(store_row)(d + i, FN(select)(x < 0, e, FN(splat)(1)) / (1 + e) - target, n - i);
        }
    } else if (net->loss != CATEGORICAL) {
        for (idx i = 0; i < n; i++) terms[i] = FN(pointwise)(net, y[i], raw[i], &d[i]);
    }
    for (idx i = 0; i < r1 - r0; i++) {
        const T weight = weights ? weights[r0 + i] : 1;
        T scale = (T)s->scale * weight / (sums ? 1 : (T)width), value = 0;
        if (net->loss == CATEGORICAL)
            value = FN(categorical)(raw + i * width, y + i * width, d + i * width, width, scale);
        else for (idx j = 0; j < width; j++) value += terms[i * width + j], d[i * width + j] *= scale;
        s->at->values[r0 + i] = (double)(value * weight) / (sums ? 1 : (double)width);
    }
}

static void FN(layer_forward)(step *s, int l, idx r0, idx r1, T *scratch)
{
    const layer *layer = &s->net->layers[l];
    const T *params = s->params, *const *in = (const T *const *)s->at->inputs[l];
    T *out = s->at->out[l], *extra = s->at->extra[l];
    const idx n = layer->n_out;
    switch (layer->kind) {
    case DENSE:
        if (l == 0 && s->X->starts) FN(sparse_product)(s, layer, r0, r1, out);
        else FN(product)(r1 - r0, layer->n_in, n, in + r0, params + layer->first, n, 1,
                         layer->second < 0 ? NULL : params + layer->second, out + r0 * n, n, scratch);
        break;
    case ACTIVATION: FN(activate)(layer->activation, out + r0 * n, extra ? extra + r0 * n : NULL, (r1 - r0) * n); break;
    case DROPOUT:
        for (idx i = r0; i < r1; i++) {
            if (s->training) FN(drop)(s->draws[l] + (s->start_of_block + i) * n, layer->number, in[i], out + i * n, n);
            else memcpy(out + i * n, in[i], (size_t)n * sizeof(T));
        }
        break;
    case SCALE:
        for (idx i = r0; i < r1; i++)
            for (idx j = 0; j < n; j++) out[i * n + j] = in[i][j] * params[layer->first + j];
        break;
    default: FN(normalize)(s, l, r0, r1);
    }
}

static void FN(layer_backward)(step *s, int l, idx r0, idx r1, T *scratch)
{
    const layer *layer = &s->net->layers[l];
    const T *params = s->params;
    T *delta = s->at->delta[l], *extra = s->at->extra[l], *below = s->at->delta[l - 1];
    const idx n = layer->n_out, k = layer->n_in;
    switch (layer->kind) {
    case DENSE: /* the transpose of W, which is packed as it is read */
        FN(product)(r1 - r0, n, k, (const T *const *)s->at->deltas[l] + r0, params + layer->first, 1, n, NULL,
                    below + r0 * k, k, scratch);
        break;
    case ACTIVATION:
        FN(activate_backward)(layer->activation, delta + r0 * n, (T *)s->at->out[l] + r0 * n,
                              extra ? extra + r0 * n : NULL, (r1 - r0) * n);
        break;
    case DROPOUT:
        FN(drop)(s->draws[l] + (s->start_of_block + r0) * n, layer->number, delta + r0 * n, delta + r0 * n,
                 (r1 - r0) * n);
        break;
    case SCALE:
        for (idx i = r0; i < r1; i++)
            for (idx j = 0; j < n; j++) below[i * n + j] = delta[i * n + j] * params[layer->first + j];
        break;
    default: FN(normalize_backward)(s, l, r0, r1);
    }
}

static void FN(forward)(step *s, int part)
{
    const network *net = s->net;
    const int n_parts = net->rowwise || !s->training ? s->n_parts : 1;
    const idx r0 = part_of(s->m, part, n_parts, TILE), r1 = part_of(s->m, part + 1, n_parts, TILE);
    T *scratch = s->at->scratch[part];
    if (part >= n_parts || r0 >= r1) return;
    if (!s->X->starts) FN(gather)(s, r0, r1);
    for (int l = 0; l < net->n_layers; l++) FN(layer_forward)(s, l, r0, r1, scratch);
    if (s->result) {
        memcpy((T *)s->result + (s->start + r0) * net->n_out, (T *)s->at->out[net->last] + r0 * net->n_out,
               (size_t)((r1 - r0) * net->n_out) * sizeof(T));
        return;
    }
    FN(gather_targets)(s, r0, r1);
    FN(evaluate)(s, r0, r1);
    for (int l = net->last; s->training && l > net->first; l--) FN(layer_backward)(s, l, r0, r1, scratch);
}

/* The penalty of the entries of W from row j0 to j1, once their gradient is complete; as penalties.py has it. */
static void FN(penalize)(step *s, const layer *layer, idx j0, idx j1)
{
    const T *W = (const T *)s->params + layer->first, l1 = (T)s->l1, l2 = (T)s->l2;
    T *grad = (T *)s->grad + layer->first;
    const idx n = layer->n_out;
    for (idx j = j0; j < j1; j++) {
        const T *w = W + j * n;
        T *g = grad + j * n;
        double size = 0;
        if (s->l1)
            for (idx q = 0; q < n; q++) {
                T pull = w[q] > 0 ? 1 : w[q] < 0 ? -1 : w[q] != w[q] ? w[q] : g[q] > l1 ? -1 : g[q] < -l1 ? 1 : 0;
                g[q] = w[q] == 0 && pull == 0 ? (g[q] != g[q] ? g[q] : 0) : g[q] + l1 * pull;
                size += s->l1 * fabs((double)w[q]);
            }
        if (s->l2) {
            V squares = FN(splat)(0);
            T rest = 0;
            idx q = 0;
            for (; q + LANES <= n; q += LANES) {
                V x = FN(load)(w + q);
                FN(store)(g + q, FN(load)(g + q) + l2 * x);
                squares += x * x;
            }
            for (; q < n; q++) g[q] += l2 * w[q], rest += w[q] * w[q];
            size += 0.5 * s->l2 * (double)(FN(sum)(squares) + rest);
        }
        s->at->squares[layer->row + j] = size;
    }
}

/* Sums over the rows of columns c0 to c1 of delta, or of delta times another array. */
static void FN(column_sums)(step *s, idx n, idx c0, idx c1, const T *delta, const T *const *times, T *grad)
{
    if (n == 1 && !times && c1 > c0) { /* numbers in a row */
        V sum = FN(splat)(0);
        for (idx i = 0; i < s->m; i += LANES) sum += FN(load_row)(delta + i, s->m - i, 0);
        *grad = s->accumulate ? *grad + FN(sum)(sum) : FN(sum)(sum);
        return;
    }
    for (idx c = c0; c < c1; c += LANES) {
        const idx left = c1 - c;
        V sum = FN(splat)(0);
        for (idx i = 0; i < s->m; i++) {
            V x = FN(load_row)(delta + i * n + c, left, 0);
            sum += times ? x * FN(load_row)(times[i] + c, left, 0) : x;
        }
        FN(store_row)(grad + c, s->accumulate ? FN(load_row)(grad + c, left, 0) + sum : sum, left);
    }
}

static void FN(gradient)(step *s, int part)
{
    const network *net = s->net;
    const int penalized = s->final && (s->l1 || s->l2);
    T *grad = s->grad;
    for (int l = net->first; l < net->n_layers; l++) {
        const layer *layer = &net->layers[l];
        const idx n = layer->n_out, k = layer->n_in;
        const idx c0 = part_of(n, part, s->n_parts, LANES), c1 = part_of(n, part + 1, s->n_parts, LANES);
        const T *delta = s->at->delta[l], *const *in = (const T *const *)s->at->inputs[l];
        if (layer->kind == DENSE) {
            const int whole = by_columns(s, l); /* rows of W */
            const idx j0 = whole ? 0 : part_of(k, part, s->n_parts, TILE);
            const idx j1 = whole ? k : part_of(k, part + 1, s->n_parts, TILE);
            if (l == 0 && s->X->starts) {
                FN(sparse_gradient)(s, layer, c0, c1, delta, grad + layer->first);
            } else {
                FN(product_transposed)(s->m, j0, j1, whole ? c0 : 0, whole ? c1 : n, n, in, delta,
                                       (const T *const *)s->at->deltas[l], s->accumulate, grad + layer->first,
                                       s->at->scratch[part]);
                if (penalized && !whole) FN(penalize)(s, layer, j0, j1);
            }
            if (layer->second >= 0) FN(column_sums)(s, n, c0, c1, delta, NULL, grad + layer->second);
        } else if (layer->kind == SCALE) {
            FN(column_sums)(s, n, c0, c1, delta, in, grad + layer->first);
        } else if (layer->kind == LAYER_NORM || layer->kind == BATCH_NORM) {
            FN(column_sums)(s, n, c0, c1, delta, (const T *const *)s->at->normals[l], grad + layer->first);
            FN(column_sums)(s, n, c0, c1, delta, NULL, grad + layer->second);
        }
    }
}

static void FN(add)(void *to, const void *from, idx first, idx last)
{
    T *sum = to;
    const T *more = from;
    for (idx i = first; i < last; i++) sum[i] += more[i];
}

/* What waits for all columns of a gradient, or for all shares. */
static void FN(penalty)(step *s, int part)
{
    for (int l = s->net->first; l < s->net->n_layers; l++) {
        const layer *layer = &s->net->layers[l];
        const idx k = layer->n_in;
        if (layer->kind == DENSE && (s->n_shares > 1 || by_columns(s, l)))
            FN(penalize)(s, layer, part_of(k, part, s->n_parts, 1), part_of(k, part + 1, s->n_parts, 1));
    }
}
