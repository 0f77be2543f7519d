/* Vectors of T and the functions exp, log, tanh over them; included once for each precision and processor.
   T, INTEGER of its size, VECTORS (bytes, or 0 without vectors) and FN are the includer's. The functions keep NaN: a
   comparison with it is false, and every selection below is written so that the false branch hands it on. */

#if VECTORS
#define BYTES VECTORS
#else
#define BYTES sizeof(T)
#endif
#define LANES ((idx)(BYTES / sizeof(T)))
#define IS_DOUBLE (sizeof(T) == 8)

#define V FN(vector)
#define M FN(mask)
#if VECTORS
typedef T V __attribute__((vector_size(BYTES)));
typedef INTEGER M __attribute__((vector_size(BYTES)));
static INLINE V FN(splat)(T x) { return x - (V){0}; }
static INLINE V FN(select)(M mask, V yes, V no) { return (V)((mask & (M)yes) | (~mask & (M)no)); }
static INLINE M FN(bits)(V x) { return (M)x; }
static INLINE V FN(from_bits)(M x) { return (V)x; }
#else /* no vector extension: vectors of one number, masks of 0 or 1 */
typedef T V;
typedef INTEGER M;
static INLINE V FN(splat)(T x) { return x; }
static INLINE V FN(select)(M mask, V yes, V no) { return mask ? yes : no; }
static INLINE M FN(bits)(V x) { M m; memcpy(&m, &x, sizeof m); return m; }
static INLINE V FN(from_bits)(M m) { V x; memcpy(&x, &m, sizeof x); return x; }
#endif

static INLINE V FN(load)(const T *p) { V x; memcpy(&x, p, sizeof x); return x; }
static INLINE void FN(store)(T *p, V x) { memcpy(p, &x, sizeof x); }
static INLINE V FN(load_part)(const T *p, idx n) { V x = FN(splat)(0); memcpy(&x, p, (size_t)n * sizeof(T)); return x; }
static INLINE void FN(store_part)(T *p, V x, idx n) { memcpy(p, &x, (size_t)n * sizeof(T)); }

static INLINE T FN(sum)(V x)
{
    T part[BYTES / sizeof(T)], total = 0;
    memcpy(part, &x, sizeof x);
    for (idx i = 0; i < LANES; i++) total += part[i];
    return total;
}

/* Matrix products and the series below may fuse: their sums have no order to keep. Contraction is off elsewhere. */
static INLINE V FN(fma)(V a, V b, V c)
{
#if VECTORS == 32
    return IS_DOUBLE ? (V)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c)
                     : (V)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif VECTORS && defined __FP_FAST_FMA && defined __FP_FAST_FMAF
    V x;
    for (idx i = 0; i < LANES; i++)
        x[i] = IS_DOUBLE ? (T)__builtin_fma(a[i], b[i], c[i]) : (T)__builtin_fmaf(a[i], b[i], c[i]);
    return x;
#else
    return a * b + c;
#endif
}

static INLINE T FN(root)(T x) { return IS_DOUBLE ? (T)sqrt((double)x) : (T)sqrtf((float)x); }
static INLINE V FN(minimum)(V x, T bound) { return FN(select)(x > bound, FN(splat)(bound), x); }
static INLINE V FN(maximum)(V x, T bound) { return FN(select)(x < bound, FN(splat)(bound), x); }
static INLINE M FN(sign)(V x) { return FN(bits)(x) & FN(bits)(FN(splat)((T)-0.0)); }
static INLINE V FN(abs)(V x) { return FN(from_bits)(FN(bits)(x) ^ FN(sign)(x)); }

#define SERIES(sum, x, term) sum = FN(fma)(sum, x, FN(splat)((T)(term)));

/* exp(x) = scale * (1 + fraction), by x = n log 2 + r with |r| <= log(2) / 2 and the series of exp(r) - 1.
   Adding 1.5 * 2^mantissa rounds to an integer and leaves it in the lowest bits. */
static INLINE V FN(exp_parts)(V x, V *scale)
{
    const T magic = IS_DOUBLE ? (T)0x1.8p52 : (T)0x1.8p23f, bias = IS_DOUBLE ? 1023 : 127;
    const T high = IS_DOUBLE ? (T)0x1.62e42fefa3800p-1 : (T)0x1.63p-1;
    const T low = IS_DOUBLE ? (T)0x1.ef35793c76730p-45 : (T)-0x1.bd0106p-13;
    V n = FN(fma)(x, FN(splat)((T)1.4426950408889634), FN(splat)(magic)) - magic;
    V r = FN(fma)(n, FN(splat)(-low), FN(fma)(n, FN(splat)(-high), x));
    /* Even and odd powers, for two chains of half the length take half the time. */
    V q = r * r, even = FN(splat)((T)(1.0 / (IS_DOUBLE ? 479001600 : 720)));
    V odd = FN(splat)((T)(1.0 / (IS_DOUBLE ? 6227020800 : 5040)));
    if (IS_DOUBLE) {
        SERIES(even, q, 1.0 / 3628800) SERIES(odd, q, 1.0 / 39916800)
        SERIES(even, q, 1.0 / 40320) SERIES(odd, q, 1.0 / 362880)
        SERIES(even, q, 1.0 / 720) SERIES(odd, q, 1.0 / 5040)
    }
    SERIES(even, q, 1.0 / 24) SERIES(odd, q, 1.0 / 120)
    SERIES(even, q, 0.5) SERIES(odd, q, 1.0 / 6)
    *scale = FN(from_bits)((FN(bits)(n + (magic + bias))) << (IS_DOUBLE ? 52 : 23));
    return FN(fma)(q, FN(fma)(odd, r, even), r);
}

/* Zero below the normal numbers, infinity above the largest. */
static INLINE V FN(exp)(V x)
{
    const T low = IS_DOUBLE ? -708 : -87, high = IS_DOUBLE ? (T)709.4 : (T)88.3;
    V scale, fraction = FN(exp_parts)(FN(maximum)(FN(minimum)(x, high), low), &scale);
    V y = FN(fma)(scale, fraction, scale);
    return FN(select)(x < low, FN(splat)(0), FN(select)(x > high, FN(splat)((T)INFINITY), y));
}

/* exp(x) - 1 without cancellation, for x below the overflow of exp. */
static INLINE V FN(expm1)(V x)
{
    V scale, fraction = FN(exp_parts)(FN(maximum)(x, IS_DOUBLE ? -60 : -40), &scale);
    return scale * fraction + (scale - 1);
}

static INLINE V FN(tanh)(V x)
{
    V e = FN(expm1)(FN(minimum)(FN(abs)(x), IS_DOUBLE ? 22 : 10) * 2);
    V y = e / (e + 2);
    return FN(from_bits)(FN(bits)(y) | FN(sign)(x));
}

static INLINE V FN(logistic)(V x) { return 1 / (1 + FN(exp)(-x)); }

/* log(1 + x) for 0 <= x <= 1: log of the rounded sum plus what was rounded off, by 2 atanh((s - 1) / (s + 1)). */
static INLINE V FN(log1p)(V x)
{
    V s = 1 + x;
    M large = s > (T)1.4142135623730951;
    V half = FN(select)(large, s * (T)0.5, s), f = (half - 1) / (half + 1), q = f * f;
    V series = FN(splat)(IS_DOUBLE ? (T)(1.0 / 23) : (T)(1.0 / 11));
    if (IS_DOUBLE) {
        SERIES(series, q, 1.0 / 21)
        SERIES(series, q, 1.0 / 19)
        SERIES(series, q, 1.0 / 17)
        SERIES(series, q, 1.0 / 15)
        SERIES(series, q, 1.0 / 13)
        SERIES(series, q, 1.0 / 11)
    }
    SERIES(series, q, 1.0 / 9)
    SERIES(series, q, 1.0 / 7)
    SERIES(series, q, 1.0 / 5)
    SERIES(series, q, 1.0 / 3)
    V whole = FN(select)(large, FN(splat)((T)0.6931471805599453), FN(splat)(0));
    return whole + (2 * f + 2 * f * q * series) + (x - (s - 1)) / s;
}
