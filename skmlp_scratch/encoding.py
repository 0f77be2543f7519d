"""From a table to the numbers a network learns from, as scikit-learn transformers.

A network sees a column only through its products with weights, so that a jump in the middle of a column costs it many
units, where a tree needs one split. :class:`PiecewiseLinearEncoder` gives each stretch of a column an input of its own
(Gorishniy, Rubachev & Babenko 2022, "On embeddings for numerical features in tabular deep learning").
:class:`TableEncoder` takes a whole table as it is, with its numbers, categories, dates and gaps.
"""

from numbers import Integral
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.preprocessing import MinMaxScaler, OrdinalEncoder, StandardScaler
from sklearn.utils.validation import check_is_fitted, validate_data

from . import tables
from ._sklearn import ApiPage, Interval, StrOptions, fit_context
from ._types import Inputs
from ._warnings import warn_user
from .estimators._atomic import Versioned
from .export._skl2onnx import ExportableEncoder
from .tables import EncodedColumn, EncodedColumns

# A code of fewer bins than this tells less than it costs.
LEAST_BINS = 4
# The outermost bins run on linearly beyond the training data up to these values.
LOWEST, HIGHEST = -1.0, 2.0
# Numbers that are encoded at a time, so that the intermediate arrays stay in the processor's cache.
CHUNK_SIZE = 1 << 18
MISSING = "missing"
INFREQUENT = "infrequent"


class PiecewiseLinearEncoder(ApiPage, Versioned, TransformerMixin, BaseEstimator):
    """Encode each column of numbers by how far a value lies within, below or above each of several bins.

    A column with the edges ``e_0 < ... < e_T`` becomes T columns. The t-th of them is
    ``(x - e_{t-1}) / (e_t - e_{t-1})``, cut at 0 and 1: it is 1 for values above the bin, 0 for those below, and in
    between within the bin. The first bin runs on below its edge down to -1, and the last one above its edge up to 2, so
    that values beyond those of the training data differ from each other.

    Parameters
    ----------
    n_bins : int, default=16
        Maximum number of bins per column.
    max_width : int, default=512
        Maximum number of columns of the code. Wide tables get ``max_width // n_features`` bins per column, and no code
        at all (zero columns) where that is fewer than 4 and fewer than ``n_bins``.

    Attributes
    ----------
    edges_ : list of ndarray
        The sorted edges of each column: one more than its bins; a single one in a constant column, which has no bin.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns seen during fit, if all of them are strings.

    See Also
    --------
    TableEncoder : Whole tables, with this code for their numbers.
    sklearn.preprocessing.KBinsDiscretizer : Bins as categories.

    Notes
    -----
    The edges lie at equal counts of rows. Where many rows share a value, several of these edges coincide; the bins that
    this leaves over get edges at equal counts of *distinct* values.

    The result is the code alone. A network learns more from the code beside the number itself:
    ``make_union(StandardScaler(), PiecewiseLinearEncoder())``.

    References
    ----------
    Gorishniy, Rubachev & Babenko (2022). On embeddings for numerical features in tabular deep learning. NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from skmlp_scratch.encoding import PiecewiseLinearEncoder
    >>> X = np.array([[0.0], [1.0], [2.0], [10.0]])
    >>> encoder = PiecewiseLinearEncoder(n_bins=3).fit(X)
    >>> encoder.edges_
    [array([ 0.,  1.,  2., 10.])]
    >>> encoder.transform([[0.5], [6.0], [20.0]])
    array([[0.5, 0. , 0. ],
           [1. , 1. , 0.5],
           [1. , 1. , 2. ]])
    """

    _parameter_constraints = {
        "n_bins": [Interval(Integral, 0, None, closed="left")],
        "max_width": [Interval(Integral, 0, None, closed="left")],
    }

    def __init__(self, n_bins=16, max_width=512):
        self.n_bins = n_bins
        self.max_width = max_width

    @fit_context
    def fit(self, X: Inputs, y: None = None) -> Self:
        """Find the edges of the bins.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The numbers, without missing values.
        y : None
            Ignored.

        Returns
        -------
        self : PiecewiseLinearEncoder
        """
        X = validate_data(self, X, dtype=[np.float64, np.float32])
        n_bins = min(self.n_bins, self.max_width // X.shape[1])
        if n_bins < min(self.n_bins, LEAST_BINS):
            n_bins = 0
        self.edges_ = [_edges(column, n_bins) for column in X.T]
        return self

    def transform(self, X: Inputs) -> NDArray:
        """Encode the columns.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The numbers, without missing values.

        Returns
        -------
        code : ndarray of shape (n_samples, n_bins_total)
            The bins of the first column, then those of the second, and so on; float32 for float32 numbers.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        n_bins = self._n_bins()
        column = np.repeat(np.arange(X.shape[1]), n_bins)
        lower = np.concatenate([edges[:-1] for edges in self.edges_])
        width = np.concatenate([np.diff(edges) for edges in self.edges_])
        least, most = _cuts(n_bins)
        code = np.empty((len(X), len(column)), dtype=X.dtype)
        for rows in _chunks(*code.shape):
            position = X[rows].take(column, axis=1).astype(np.float64, copy=False)
            with np.errstate(over="ignore"):  # beyond the cuts it does not matter how far
                position -= lower
                position /= width
            np.maximum(position, least, out=position)
            np.minimum(position, most, out=position)
            code[rows] = position
        return code

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray:
        """Return the names of the code's columns: ``age_bin0``, ``age_bin1``, ...

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns; None takes those seen during fit, or ``x0``, ``x1``, ...

        Returns
        -------
        names : ndarray of str objects
        """
        check_is_fitted(self)
        names = OneToOneFeatureMixin.get_feature_names_out(self, input_features)
        counts = zip(names, self._n_bins(), strict=True)
        return np.array([f"{name}_bin{i}" for name, n in counts for i in range(n)], dtype=object)

    def _n_bins(self):
        return np.array([len(edges) - 1 for edges in self.edges_])

    @property
    def _n_features_out(self):
        return int(self._n_bins().sum())

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _edges(column, n_bins):
    """Return the edges of at most ``n_bins`` bins; none of the bins is empty or of width zero."""
    column = np.sort(column)
    distinct = column[np.concatenate([[True], np.diff(column) > 0])]
    if n_bins == 0 or len(distinct) == 1:
        return distinct[:1].astype(np.float64)
    if len(distinct) <= n_bins + 1:
        return distinct.astype(np.float64)
    edges = np.unique(_quantiles(column, n_bins))
    left_over = n_bins + 1 - len(edges)
    if left_over:
        edges = np.union1d(edges, _quantiles(distinct, left_over + 1)[1:-1])
    return edges


def _quantiles(ordered, n_parts):
    """Return the values that divide sorted numbers into parts of equal size, ends included."""
    return np.interp(np.linspace(0, len(ordered) - 1, n_parts + 1), np.arange(len(ordered)), ordered)


def _cuts(n_bins):
    """Return the least and the largest value of each column of the code."""
    least, most = np.zeros(n_bins.sum()), np.ones(n_bins.sum())
    stops = np.cumsum(n_bins)[n_bins > 0]
    least[stops - n_bins[n_bins > 0]] = LOWEST
    most[stops - 1] = HIGHEST
    return least, most


def _chunks(n_rows, width):
    """Yield slices of rows of which an array of ``width`` columns fits a processor's cache."""
    step = max(1, CHUNK_SIZE // max(1, width))
    for start in range(0, n_rows, step):
        yield slice(start, start + step)


class _Feature(NamedTuple):
    """A column of the compressed table: a column of the table, or a part of its dates."""

    source: int
    part: str
    kind: str


class _Plan(NamedTuple):
    """What a column is, as which kind it is read (None: not at all), and the features that it gives."""

    kind: str
    read_as: str
    features: list
    what: str


class TableEncoder(ApiPage, Versioned, ExportableEncoder, TransformerMixin, BaseEstimator):
    """Encode a table of numbers, booleans, categories and dates, with its gaps, as float32 numbers.

    ========== ===========================================================================================
    numbers    standardized, and beside that their piecewise-linear code; missing ones are the median, and
               an indicator where any was missing in fit
    two values 0 and 1, for booleans as for any column of numbers that has two of them
    categories one column per category; missing is a category, and rare ones share a column with unknown ones
    dates      days since 1970, and month, weekday and hour where they vary, each encoded as numbers are
    dropped    constant columns; texts of which nearly all differ, as names and keys do, with a warning
    ========== ===========================================================================================

    Columns of a frame are taken by name: their order may change after fit, and columns
    that fit did not see or dropped are ignored.

    Parameters
    ----------
    categorical_features : "from_dtype", array-like of str, int or bool, or None, default="from_dtype"
        The columns that hold categories:

        - ``"from_dtype"``: columns of a frame whose type is category, Categorical, Enum or string. In arrays, columns
          that hold strings.
        - names, indices or a mask: these columns, whatever their type.
        - None: none.

        Columns of texts are categories in any case.
    n_bins : int, default=16
        Maximum number of bins per column of numbers in the piecewise-linear code; 0 for no code.
    max_width : int, default=512
        Maximum number of columns of the piecewise-linear code, as in :class:`PiecewiseLinearEncoder`.
    min_frequency : int, default=5
        Categories with fewer rows than this share one column.
    max_categories : int, default=255
        Maximum number of columns per column of categories; the rarest ones share the last.

    Attributes
    ----------
    columns_ : list of EncodedColumn
        What became of each column: ``name``, ``kind``, ``what``, ``n_out``. Prints as a table.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns seen during fit, if all of them are strings.

    See Also
    --------
    PiecewiseLinearEncoder : The code of the numbers alone.
    sklearn.compose.ColumnTransformer : Transformers chosen by hand for each column.

    Notes
    -----
    Rows are encoded independently, so the encoding of a slice is the slice of the encoding. Where the encoding does not
    fit into memory, ``encoder.expand(encoder.compress(X)[rows])`` is the same as ``encoder.transform(X)[rows]``.

    Examples
    --------
    >>> import numpy as np
    >>> from skmlp_scratch.encoding import TableEncoder
    >>> X = np.array([[1.5, "red"], [2.5, "blue"], [None, "red"], [4.5, None]], dtype=object)
    >>> encoder = TableEncoder(n_bins=2, min_frequency=1).fit(X)
    >>> encoder.columns_
    name  kind      what                                     n_out
    ----  --------  ---------------------------------------  -----
    0     number    standardized, 2 bins, missing indicator      4
    1     category  3 categories                                 3
    >>> encoder.transform(X).shape
    (4, 7)
    """

    _parameter_constraints = {
        "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
        "n_bins": [Interval(Integral, 0, None, closed="left")],
        "max_width": [Interval(Integral, 0, None, closed="left")],
        "min_frequency": [Interval(Integral, 1, None, closed="left")],
        "max_categories": [Interval(Integral, 2, None, closed="left")],
    }

    def __init__(
        self, categorical_features="from_dtype", *, n_bins=16, max_width=512, min_frequency=5, max_categories=255
    ):
        self.categorical_features = categorical_features
        self.n_bins = n_bins
        self.max_width = max_width
        self.min_frequency = min_frequency
        self.max_categories = max_categories

    @fit_context
    def fit(self, X: Inputs, y: None = None) -> Self:
        """Learn how each column is encoded.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_samples, n_features)
            The table, as it is.
        y : None
            Ignored.

        Returns
        -------
        self : TableEncoder
        """
        self.fit_compress(X)
        return self

    @fit_context
    def fit_transform(self, X: Inputs, y: None = None) -> Any:
        """Learn how each column is encoded, and encode the table, which is read once.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_samples, n_features)
            The table, as it is.
        y : None
            Ignored.

        Returns
        -------
        encoded : ndarray of shape (n_samples, n_columns_out), float32
        """
        return self.expand(self.fit_compress(X))

    @fit_context
    def fit_compress(self, X):
        """Learn how each column is encoded, and return the first stage of the encoding: the table is read once.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_samples, n_features)
            The table, as it is.

        Returns
        -------
        compressed : ndarray of shape (n_samples, n_compressed)
            As :meth:`compress` returns it.
        """
        X = tables.as_table(X)
        columns = tables.read_columns(X)
        validate_data(self, X, skip_check_array=True)
        forced = self._forced_categories([column.name for column in columns])
        plans = [_plan(i, column, forced[i]) for i, column in enumerate(columns)]
        self._kinds = [plan.read_as for plan in plans]
        features = [feature for plan in plans for feature in plan.features]
        # Numbers before those of two values: the sort keeps the order within each.
        self._numeric = sorted((f for f in features if f.kind != "category"), key=lambda f: f.kind == "boolean")
        self._texts = [feature.source for feature in features if feature.kind == "category"]
        used = {i: tables.as_kind(columns[i], kind) for i, kind in enumerate(self._kinds) if kind is not None}
        self._fit_categories(used)
        compressed = self._compress(used, X.shape[0])
        self._fit_numbers(compressed[:, : len(self._numeric)])
        self.columns_ = self._described(columns, plans)
        identifiers = [column.name for column in self.columns_ if column.kind == "identifier"]
        if identifiers:
            message = (
                f"Dropped {', '.join(map(repr, identifiers))}: nearly all values are different texts, which name the "
                "rows instead of describing them. List a column in categorical_features to keep it; if it holds "
                "numbers or dates, convert it first (pd.to_numeric, pd.to_datetime)."
            )
            warn_user(message, tables.DroppedColumnWarning)
        return compressed

    def transform(self, X: Inputs) -> Any:
        """Encode a table.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_samples, n_features)
            The table. Its columns are those seen during fit; those of a frame are taken by name.

        Returns
        -------
        encoded : ndarray of shape (n_samples, n_columns_out), float32
        """
        return self.expand(self.compress(X))

    def compress(self, X: Inputs) -> NDArray:
        """Return the first, compact stage of the encoding: about one float per cell of the table.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_samples, n_features)
            The table.

        Returns
        -------
        compressed : ndarray of shape (n_samples, n_compressed)
            Numbers and parts of dates as they are, the codes of categories, nan for what is missing.
        """
        check_is_fitted(self)
        X = tables.as_table(X)
        used = [source for source, kind in enumerate(self._kinds) if kind is not None]
        if tables.as_frame(X) is not None and hasattr(self, "feature_names_in_"):
            columns = tables.read_columns(X, self.feature_names_in_[used])
        else:
            validate_data(self, X, reset=False, skip_check_array=True)
            columns = tables.read_columns(X)
            columns = [columns[i] for i in used]
        columns = {i: tables.as_kind(column, self._kinds[i]) for i, column in zip(used, columns, strict=True)}
        return self._compress(columns, X.shape[0])

    def expand(self, compressed: NDArray) -> Any:
        """Return the second stage of the encoding: the columns a network learns from.

        Parameters
        ----------
        compressed : ndarray of shape (n_samples, n_compressed)
            Rows of what :meth:`compress` returned, in any order.

        Returns
        -------
        encoded : ndarray of shape (n_samples, n_columns_out), float32
        """
        check_is_fitted(self)
        encoded = np.zeros((len(compressed), self._n_features_out), dtype=np.float32)
        for rows in _chunks(*encoded.shape):
            self._expand(compressed[rows], out=encoded[rows])
        return encoded

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray:
        """Return the names of the encoded columns, such as ``age``, ``age_missing``, ``city_Paris``, ``age_bin0``.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns; None takes those seen during fit, or ``x0``, ``x1``, ...

        Returns
        -------
        names : ndarray of str objects
        """
        check_is_fitted(self)
        sources = OneToOneFeatureMixin.get_feature_names_out(self, input_features)
        numeric = ["_".join(filter(None, [sources[f.source], f.part])) for f in self._numeric]
        encoded = numeric + [f"{numeric[i]}_{MISSING}" for i in self._gaps]
        for source, categories in zip(self._texts, self._categories, strict=True):
            encoded += [f"{sources[source]}_{category}" for category in categories]
        encoded += [f"{name}_bin{k}" for name, n in zip(numeric, self._n_bins, strict=False) for k in range(n)]
        return np.array(tables.unique_names(encoded), dtype=object)

    @property
    def _n_features_out(self):
        return len(self._numeric) + len(self._gaps) + sum(map(len, self._categories)) + sum(self._n_bins)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _forced_categories(self, names):
        """Return a mask of the columns that ``categorical_features`` lists."""
        mask = np.zeros(len(names), dtype=bool)
        if self.categorical_features is None or isinstance(self.categorical_features, str):
            return mask
        listed = np.asarray(self.categorical_features)
        if listed.dtype.kind == "b":
            if listed.shape != mask.shape:
                raise ValueError(f"categorical_features is a mask of shape {listed.shape}; X has {len(names)} columns.")
            return listed
        for item in listed.tolist():
            if isinstance(item, float) or item not in (names if isinstance(item, str) else range(len(names))):
                raise ValueError(f"categorical_features: X has no column {item!r}.")
            mask[names.index(item) if isinstance(item, str) else item] = True
        return mask

    def _fit_categories(self, columns):
        """Learn the categories, and which of them share a column."""
        self._categories = []
        if not self._texts:
            return
        self._ordinal = OrdinalEncoder(
            min_frequency=self.min_frequency,
            max_categories=self.max_categories,
            handle_unknown="use_encoded_value",
            unknown_value=-1,
        ).fit(self._stacked_texts(columns))
        rare = self._ordinal.infrequent_categories_
        for known, infrequent in zip(self._ordinal.categories_, rare, strict=True):
            infrequent = set() if infrequent is None else set(infrequent)
            frequent = [category for category in known if category not in infrequent]
            self._categories.append(frequent + [INFREQUENT] * bool(infrequent))

    def _fit_numbers(self, numeric):
        """Learn medians, scales and the edges of the code."""
        self._gaps = [i for i, f in enumerate(self._numeric) if not f.part and np.isnan(numeric[:, i]).any()]
        self._n_numbers = sum(feature.kind == "number" for feature in self._numeric)
        self._n_bins = []
        if not self._numeric:
            return
        self._medians = np.array([np.nanmedian(column) for column in numeric.T])
        numbers, booleans = np.split(self._imputed(numeric), [self._n_numbers], axis=1)
        if numbers.shape[1]:
            self._scaler = StandardScaler()
            for rows in _chunks(*numbers.shape):
                self._scaler.partial_fit(numbers[rows])
            self._coder = PiecewiseLinearEncoder(self.n_bins, self.max_width).fit(numbers)
            self._n_bins = [len(edges) - 1 for edges in self._coder.edges_]
        if booleans.shape[1]:
            self._unit = MinMaxScaler(clip=True).fit(booleans)

    def _imputed(self, numeric):
        return np.where(np.isnan(numeric), self._medians.astype(numeric.dtype), numeric)

    def _compress(self, columns, n_rows):
        """Return numbers, parts of dates and two-valued columns, and then the codes of the categories."""
        types = {columns[feature.source].values.dtype for feature in self._numeric}
        dtype = np.float32 if types <= {np.dtype(np.float32)} else np.float64
        compressed = np.empty((n_rows, len(self._numeric) + len(self._texts)), dtype=dtype)
        dates = {feature.source for feature in self._numeric if self._kinds[feature.source] == "date"}
        parts = {i: tables.date_parts(columns[i].values) for i in dates}
        for i, (source, part, _) in enumerate(self._numeric):
            compressed[:, i] = parts[source][part] if source in parts else columns[source].values
        if self._texts:
            codes = self._ordinal.transform(self._stacked_texts(columns))
            rare = self._ordinal.infrequent_categories_
            for column, categories, infrequent in zip(codes.T, self._categories, rare, strict=True):
                if infrequent is not None:
                    column[column < 0] = len(categories) - 1
            compressed[:, len(self._numeric) :] = codes
        return compressed

    def _stacked_texts(self, columns):
        return np.column_stack([np.where(columns[i].missing, MISSING, columns[i].values) for i in self._texts])

    def _expand(self, compressed, out):
        """Write the encoding of some rows into zeros."""
        n_numbers, n_numeric = self._n_numbers, len(self._numeric)
        if n_numeric:
            imputed = self._imputed(compressed[:, :n_numeric])
        if n_numbers:
            numbers = imputed[:, :n_numbers]
            with np.errstate(over="ignore"):
                out[:, :n_numbers] = self._scaler.transform(numbers)
            self._check_range(out[:, :n_numbers], numbers)
            if any(self._n_bins):
                out[:, out.shape[1] - sum(self._n_bins) :] = self._coder.transform(numbers)
        if n_numeric > n_numbers:
            out[:, n_numbers:n_numeric] = self._unit.transform(imputed[:, n_numbers:])
        out[:, n_numeric : n_numeric + len(self._gaps)] = np.isnan(compressed[:, self._gaps])
        start = n_numeric + len(self._gaps)
        for codes, categories in zip(compressed[:, n_numeric:].T, self._categories, strict=True):
            known = np.flatnonzero(codes >= 0)
            out[known, start + codes[known].astype(np.intp)] = 1
            start += len(categories)

    def _check_range(self, scaled, numbers):
        """Raise an error if a number is too far from those in fit to be standardized in float32."""
        if not np.isfinite(scaled).all():
            row, i = np.argwhere(~np.isfinite(scaled))[0]
            column = self.columns_[self._numeric[i].source]
            raise ValueError(f"X: column {column.name!r} holds {numbers[row, i]}, too far from its values in fit.")

    def _described(self, columns, plans):
        """Say what became of each column."""
        described = EncodedColumns()
        for i, (column, plan) in enumerate(zip(columns, plans, strict=True)):
            numeric = [k for k, feature in enumerate(self._numeric) if feature.source == i]
            bins = sum(self._n_bins[k] for k in numeric if k < self._n_numbers)
            gaps = len(set(numeric) & set(self._gaps))
            categories = self._categories[self._texts.index(i)] if i in self._texts else []
            what = [plan.what.format(", ".join(self._numeric[k].part or "days" for k in numeric), n=len(categories))]
            what += [f"{bins} bins"] * bool(bins) + ["missing indicator"] * gaps
            n_out = len(numeric) + gaps + bins + len(categories)
            described.append(EncodedColumn(column.name, plan.kind, ", ".join(what), n_out))
        return described


def _plan(source, column, forced):
    """Decide what a column is and how it is encoded."""
    n_distinct, gaps = column.n_distinct(), bool(column.missing.any())
    if n_distinct + gaps <= 1:
        return _Plan("constant", None, [], "dropped: " + ("one value" if n_distinct else "all missing"))
    if column.is_identifier() and not forced:
        return _Plan("identifier", None, [], "dropped: nearly all values differ")
    if forced or column.kind == "category" or n_distinct == 1:
        return _Plan("category", "category", [_Feature(source, "", "category")], "{n} categories")
    if column.kind == "date":
        parts = tables.date_parts(column.values).items()
        counts = {part: tables.Column(part, "number", values).n_distinct() for part, values in parts}
        features = [_Feature(source, part, _numeric_kind(n)) for part, n in counts.items() if n > 1]
        return _Plan("date", "date", features, "{}")
    kind = _numeric_kind(n_distinct)
    return _Plan(kind, column.kind, [_Feature(source, "", kind)], "0/1" if kind == "boolean" else "standardized")


def _numeric_kind(n_distinct):
    return "boolean" if n_distinct == 2 else "number"
