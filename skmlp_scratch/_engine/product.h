/* Matrix products. Tiles of 6 rows and 2 vectors stay in registers; the right factor is copied into panels that stay
   in the first cache level; rows of the left factor are read where they lie, through pointers, so that a minibatch
   needs no copy. An entry's sum runs in the same order whatever tile, part or thread computes it. */

#define TILE 6
#define PANEL (2 * LANES)
#define NARROW (LANES / 2) /* columns up to which vectors run along the sums instead */
#define WIDE (16 * PANEL)  /* columns whose panels fit the second cache level */

#define EACH(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)

/* c[r][0:n] (+)= start + sum over p of left(r, p) * panel[p * pace]. */
static INLINE void FN(tile)(const int rows, const int how, const int vectors, idx depth, const T *const *a, idx offset,
                            const T *packed, const T *panel, idx pace, const T *start, int add, T *c, idx stride, idx n)
{
    V zero = FN(splat)(0), s0 = start ? FN(load)(start) : zero;
    V s1 = start && vectors > 1 ? FN(load)(start + LANES) : zero;
#define DECLARE(r) V x##r = s0, y##r = s1; const T *a##r = how == ROWS && r < rows ? a[r] + offset : NULL;
    EACH(DECLARE)
    for (idx p = 0; p < depth; p++, panel += pace) {
        V b0 = FN(load)(panel), b1 = vectors > 1 ? FN(load)(panel + LANES) : zero;
        const T *column = how == ROWS ? NULL : how == COLUMNS ? a[p] + offset : packed + p * TILE;
#define MULTIPLY(r) if (r < rows) { \
            V left = FN(splat)(how == ROWS ? a##r[p] : column[r]); \
            x##r = FN(fma)(left, b0, x##r); \
            if (vectors > 1) y##r = FN(fma)(left, b1, y##r); }
        EACH(MULTIPLY)
    }
    if (n == vectors * LANES) {
#define WHOLE(r) if (r < rows) { T *to = c + r * stride; \
            FN(store)(to, add ? FN(load)(to) + x##r : x##r); \
            if (vectors > 1) FN(store)(to + LANES, add ? FN(load)(to + LANES) + y##r : y##r); }
        EACH(WHOLE)
    } else {
        T rest[2 * BYTES / sizeof(T)];
#define PART(r) if (r < rows) { T *to = c + r * stride; \
            FN(store)(rest, x##r), FN(store)(rest + LANES, y##r); \
            for (idx j = 0; j < n; j++) to[j] = add ? to[j] + rest[j] : rest[j]; }
        EACH(PART)
    }
}

/* A column of tiles, m rows high. */
static INLINE void FN(tiles)(const int how, const int vectors, idx m, idx depth, const T *const *a, idx offset,
                             const T *packed, const T *panel, idx pace, const T *start, int add, T *c, idx stride,
                             idx n)
{
#define TILES(rows) \
    FN(tile)(rows, how, vectors, depth, a, offset, packed, panel, pace, start, add, c, stride, n); \
    m -= rows, c += rows * stride; \
    if (how == ROWS) a += rows; \
    else offset += rows;
    while (m >= TILE) { TILES(6) }
    if (how == PACKED) return; /* whole tiles only */
    if (m >= 4) { TILES(4) }
    if (m >= 2) { TILES(2) }
    if (m >= 1) { TILES(1) }
}

/* The same with one vector or two, as n needs. */
static void FN(stack)(int how, idx m, idx depth, const T *const *a, idx offset, const T *packed, const T *panel,
                      idx pace, const T *start, int add, T *c, idx stride, idx n)
{
#define STACK(how, vectors) FN(tiles)(how, vectors, m, depth, a, offset, packed, panel, pace, start, add, c, stride, n)
    if (n > LANES) how == ROWS ? STACK(ROWS, 2) : how == COLUMNS ? STACK(COLUMNS, 2) : STACK(PACKED, 2);
    else how == ROWS ? STACK(ROWS, 1) : how == COLUMNS ? STACK(COLUMNS, 1) : STACK(PACKED, 1);
}

/* Columns 0:n of depth rows, side by side, filled up with zeros to whole vectors. */
static INLINE idx FN(pack)(T *panel, const T *from, idx row_step, idx column_step, idx depth, idx n)
{
    idx pace = n > LANES ? PANEL : LANES;
    for (idx p = 0; p < depth; p++, panel += pace, from += row_step) {
        if (n == pace && column_step == 1) {
            FN(store)(panel, FN(load)(from));
            if (pace > LANES) FN(store)(panel + LANES, FN(load)(from + LANES));
            continue;
        }
        for (idx j = 0; j < pace; j++) panel[j] = j < n ? from[j * column_step] : 0;
    }
    return pace;
}

/* c[i] = bias + a[i] @ w for few columns: sums along vectors, four rows at a time. */
static void FN(product_narrow)(idx m, idx k, idx n, const T *const *a, const T *w, idx row_step, idx column_step,
                               const T *bias, T *c, idx stride, T *scratch)
{
    for (idx j = 0; j < n; j++) {
        for (idx p = 0; p < k; p++) scratch[p] = w[p * row_step + j * column_step];
        idx i = 0, whole = k / LANES * LANES;
        for (; i < m; i++) {
            V even = FN(splat)(0), odd = even;
            idx p = 0;
            for (; p + PANEL <= whole; p += PANEL) {
                even = FN(fma)(FN(load)(a[i] + p), FN(load)(scratch + p), even);
                odd = FN(fma)(FN(load)(a[i] + p + LANES), FN(load)(scratch + p + LANES), odd);
            }
            if (p < whole) even = FN(fma)(FN(load)(a[i] + p), FN(load)(scratch + p), even);
            T total = FN(sum)(even + odd);
            for (p = whole; p < k; p++) total += a[i][p] * scratch[p];
            c[i * stride + j] = bias ? total + bias[j] : total;
        }
    }
}

/* c = bias + a @ w, with a by its rows and w[p][j] at p * row_step + j * column_step: w or its transpose. */
static void FN(product)(idx m, idx k, idx n, const T *const *a, const T *w, idx row_step, idx column_step,
                        const T *bias, T *c, idx stride, T *scratch)
{
    if (n <= NARROW && k >= PANEL) {
        FN(product_narrow)(m, k, n, a, w, row_step, column_step, bias, c, stride, scratch);
        return;
    }
    idx n_blocks = (k + DEPTH - 1) / DEPTH, height = (k + n_blocks - 1) / n_blocks;
    for (idx p = 0; p < k; p += height)
        for (idx j = 0; j < n; j += PANEL) {
            idx depth = k - p < height ? k - p : height, columns = n - j < PANEL ? n - j : PANEL;
            const T *from = w + p * row_step + j * column_step, *panel = from;
            T start[2 * BYTES / sizeof(T)] = {0};
            idx pace = row_step;
            /* Few rows do not pay for the copy. */
            if (m > TILE || column_step != 1 || columns % LANES)
                pace = FN(pack)(scratch, from, row_step, column_step, depth, columns), panel = scratch;
            if (bias && p == 0) memcpy(start, bias + j, (size_t)columns * sizeof(T));
            FN(stack)(ROWS, m, depth, a, p, NULL, panel, pace, bias && p == 0 ? start : NULL, p > 0, c + j, stride,
                      columns);
        }
}

/* Rows first:last and columns c0:c1 of grad (+)= a.T @ delta, over m rows of both. Scratch holds the panels of delta,
   and a tile of a's columns. */
static void FN(product_transposed)(idx m, idx first, idx last, idx c0, idx c1, idx n, const T *const *a,
                                   const T *delta, const T *const *deltas, int add, T *grad, T *scratch)
{
    T *packed = scratch + m * (n < WIDE ? (n + PANEL - 1) / PANEL * PANEL : WIDE);
    if (n <= NARROW && last - first >= PANEL) { /* its transpose, as that has wide rows */
        T part[TILE * 2 * BYTES / sizeof(T)];
        for (idx j = first; j < last; j += PANEL) {
            idx columns = last - j < PANEL ? last - j : PANEL;
            idx pace = columns > LANES ? PANEL : LANES;
            for (idx i = 0; i < m; i++)
                if (columns == PANEL) FN(pack)(scratch + i * pace, a[i] + j, 0, 1, 1, columns);
                else for (idx q = 0; q < pace; q++) scratch[i * pace + q] = q < columns ? a[i][j + q] : 0;
            FN(stack)(COLUMNS, n, m, deltas, 0, NULL, scratch, pace, NULL, 0, part, PANEL, columns);
            for (idx q = 0; q < columns; q++)
                for (idx r = 0; r < n; r++) {
                    T *to = grad + (j + q) * n + r;
                    *to = add ? *to + part[r * PANEL + q] : part[r * PANEL + q];
                }
        }
        return;
    }
    for (idx left = c0; left < c1; left += WIDE) {
        idx width = c1 - left < WIDE ? c1 - left : WIDE;
        for (idx j = 0; j < width; j += PANEL)
            FN(pack)(scratch + j * m, delta + left + j, n, 1, m, width - j < PANEL ? width - j : PANEL);
        for (idx j = first; j < last; j += TILE) {
            idx rows = last - j < TILE ? last - j : TILE;
            /* Columns of many rows lie on many pages: for a few panels and more, one walk over them is enough. */
            int how = width > 2 * PANEL && rows == TILE ? PACKED : COLUMNS;
            if (how == PACKED)
                for (idx i = 0; i < m; i++) memcpy(packed + i * TILE, a[i] + j, TILE * sizeof(T));
            for (idx q = 0; q < width; q += PANEL) {
                idx columns = width - q < PANEL ? width - q : PANEL;
                FN(stack)(how, rows, m, a, j, packed, scratch + q * m, columns > LANES ? PANEL : LANES, NULL, add,
                          grad + j * n + left + q, n, columns);
            }
        }
    }
}
