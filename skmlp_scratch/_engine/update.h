/* The update rules in one pass. Bit for bit what optimizers.py computes: the same operations on each number in the
   same order, hyper-parameters rounded to T first as numpy does, and nothing contracted. */

static void FN(rule)(const update *u, idx start, idx stop)
{
    T *restrict params = (T *)u->params + start, *restrict a = u->slots[0] ? (T *)u->slots[0] + start : NULL;
    T *restrict b = u->slots[1] ? (T *)u->slots[1] + start : NULL;
    const T *restrict grad = (const T *)u->grad + start;
    const T rate = (T)u->rate, n0 = (T)u->numbers[0], n1 = (T)u->numbers[1];
    const T n2 = (T)u->numbers[2], n3 = (T)u->numbers[3];
    const idx n = stop - start;
    switch (u->rule) {
    case SGD:
        for (idx i = 0; i < n; i++) params[i] -= grad[i] * rate;
        break;
    case MOMENTUM: /* n0 momentum */
        for (idx i = 0; i < n; i++) a[i] = a[i] * n0 - grad[i] * rate, params[i] += a[i];
        break;
    case NESTEROV:
        for (idx i = 0; i < n; i++) {
            const T pull = grad[i] * rate;
            a[i] = a[i] * n0 - pull;
            params[i] = (params[i] - pull) + a[i] * n0;
        }
        break;
    case ADAGRAD: /* n0 epsilon */
        for (idx i = 0; i < n; i++) {
            a[i] += grad[i] * grad[i];
            params[i] -= grad[i] / (FN(root)(a[i]) + n0) * rate;
        }
        break;
    case RMSPROP: /* n0 epsilon, n1 rho, n2 1 - rho */
        for (idx i = 0; i < n; i++) {
            a[i] = a[i] * n1 + grad[i] * grad[i] * n2;
            params[i] -= grad[i] / (FN(root)(a[i]) + n0) * rate;
        }
        break;
    case CENTERED:
        for (idx i = 0; i < n; i++) {
            a[i] = a[i] * n1 + grad[i] * grad[i] * n2;
            b[i] = b[i] * n1 + grad[i] * n2;
            T variance = a[i] - b[i] * b[i];
            variance = variance < 0 ? 0 : variance;
            params[i] -= grad[i] / (FN(root)(variance) + n0) * rate;
        }
        break;
    case ADAM: /* n0 epsilon, n1 beta_1, n2 beta_2 */
        for (idx i = 0; i < n; i++) {
            a[i] = a[i] * n1 + grad[i];
            b[i] = b[i] * n2 + grad[i] * grad[i];
            params[i] -= a[i] / (FN(root)(b[i]) + n0) * rate;
        }
        break;
    case ADAMW: /* n3 what decay leaves */
        for (idx i = 0; i < n; i++) {
            a[i] = a[i] * n1 + grad[i];
            b[i] = b[i] * n2 + grad[i] * grad[i];
            params[i] = params[i] * n3 - a[i] / (FN(root)(b[i]) + n0) * rate;
        }
        break;
    }
}

#define HELD 1024 /* parameters of a block: it stays in the first cache level from decay to average */

static void FN(steps)(update *u, idx first, idx last)
{
    T *restrict params = u->params, *restrict average = u->average;
    const T kept = (T)u->kept, weight = (T)u->weight;
    T before[HELD];
    for (idx start = first; start < last; start += HELD) {
        const idx stop = last - start < HELD ? last : start + HELD;
        if (u->n_factors) memcpy(before, params + start, (size_t)(stop - start) * sizeof(T));
        for (idx i = LARGER(start, u->decay_start); i < SMALLER(stop, u->decay_stop); i++) params[i] *= kept;
        FN(rule)(u, start, stop);
        for (int k = 0; k < u->n_factors; k++) {
            const T factor = (T)u->paced[k].factor;
            for (idx i = LARGER(start, u->paced[k].start); i < SMALLER(stop, u->paced[k].stop); i++)
                params[i] = before[i - start] + factor * (params[i] - before[i - start]);
        }
        if (average)
            for (idx i = start; i < stop; i++) average[i] += (params[i] - average[i]) * weight;
    }
}
