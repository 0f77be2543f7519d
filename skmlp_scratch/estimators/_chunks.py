"""Chunks: training on rows that are read again in each pass, because they are more than memory holds."""

from collections.abc import Iterable
from functools import partial

from .._sklearn import fit_context
from ..shards import SEEDS, StreamedObjective
from ._chunk_rows import concatenate, divide, size_of
from ._chunk_survey import Survey, read_part, survey_all


class Source:
    """Data that are not rows yet; ``fit`` asks it for them once it knows what they are to be.

    A subclass has a method ``rows(door, flat, known, classes, incremental)``, which returns rows and targets.
    """


class SurveyedRows:
    """Rows that are elsewhere: what :class:`Rows` tells of itself, from a survey.

    Parameters
    ----------
    survey : Survey
        Of all chunks.
    targets : ClassTargets or NumberTargets
        What the survey has learned of y.
    """

    def __init__(self, survey, targets):
        self.survey, self.targets = survey, targets
        self.dtype, self.y_shape = survey.dtype, survey.y_shape

    def __len__(self):
        return sum(n_rows for n_rows, _ in self.sizes)

    def some(self, chunks):
        """Return what there is one of per chunk with rows, if there are any."""
        if not chunks:
            raise ValueError(NONE_LEFT)
        return chunks

    def y_range(self):
        """As :meth:`Rows.y_range`."""
        return self.survey.low, self.survey.high

    def best_constant(self, loss):
        """As :meth:`Rows.best_constant`, of a sample."""
        return self.survey.best_constant(loss, self.targets)


class StreamedRows(SurveyedRows):
    """Rows of chunks that pass by.

    Parameters
    ----------
    parts : callable
        Opens a pass over the parts.
    survey, targets
        As for :class:`SurveyedRows`.
    class_weight : dict, list of dict or None
        Class weights.
    held : (float, int) or None, default=None
        Share of each chunk that is left out, and seed.
    """

    def __init__(self, parts, survey, targets, class_weight, held=None):
        super().__init__(survey, targets)
        self.parts, self.class_weight, self.held, self._sizes = parts, class_weight, held, None

    @property
    def sizes(self):
        """Number of rows of each chunk, and sum of their weights."""
        if self._sizes is None:
            self._sizes = self.some([size_of(train) for train, _ in self._pass()])
        return self._sizes

    def _pass(self):
        """Yield training and held-out rows of each chunk that has any."""
        for k, part in enumerate(self.parts()):
            rows = part and part.rows(self.targets, self.class_weight)
            if rows:
                yield divide(rows, self.held[0], [self.held[1], k]) if self.held else (rows, None)

    def _open(self):
        """Open a pass for the objective; each has to give what the first one gave."""
        n_chunks = 0
        for train, _ in self._pass():
            if n_chunks == len(self.sizes) or size_of(train) != self.sizes[n_chunks]:
                raise ValueError(CHANGED)
            n_chunks += 1
            yield train.X, train.columns, train.weight
        if n_chunks < len(self.sizes):
            raise ValueError(CHANGED)

    def objective(self, network, loss, **penalty):
        """As :meth:`Rows.objective`."""
        return StreamedObjective(network, loss, self._open, self.sizes, self.dtype, **penalty)

    def hold_out(self, fraction, rng, targets):
        """As :meth:`Rows.hold_out`: the same share of each chunk, drawn plainly; the held-out rows stay in memory."""
        train = StreamedRows(self.parts, self.survey, targets, self.class_weight, (fraction, rng.randint(SEEDS)))
        train._sizes, held = [], []
        for rows, left_out in train._pass():
            train._sizes.append(size_of(rows))
            held.append(left_out)
        return train, concatenate(self.some(held))


NONE_LEFT = (
    "no row is left to learn from: class_weight is zero for every row, or the data can be read only once, and training "
    "reads them several times."
)
CHANGED = "chunks() gave other rows than in its first pass: each call must give the same chunks in the same order."


class Chunks(Source):
    """What ``fit_chunks`` is given.

    Parameters
    ----------
    chunks : callable
        Opens a pass over ``(X, y)`` or ``(X, y, sample_weight)``.
    """

    def __init__(self, chunks):
        self.chunks = chunks

    def rows(self, door, flat, known, classes, incremental):
        """Survey all chunks; return rows and targets."""
        kind, dtype = door._targets_class, door.params_.dtype if known else None
        survey = survey_all(
            (Survey.of(part, kind) for part in self._parts(door, kind, dtype, not known)), door, not known
        )
        targets = survey.targets(kind, flat, known, classes, incremental)
        parts = partial(self._parts, door._copy(), kind, survey.dtype, False)
        return StreamedRows(parts, survey, targets, survey.class_weight(flat.get("class_weight"))), targets

    def _parts(self, door, kind, dtype, reset):
        """Open a pass, and validate each chunk."""
        chunks = self.chunks()
        if not isinstance(chunks, Iterable):
            raise ValueError(f"chunks() must return an iterator, such as a generator, and returned {chunks!r}.")
        for chunk in chunks:
            if not isinstance(chunk, tuple) or len(chunk) not in (2, 3):
                raise ValueError("chunks() must give tuples (X, y) or (X, y, sample_weight), and gave something else.")
            yield read_part(*chunk, *[None] * (3 - len(chunk)), door, kind, dtype, reset)


class FitsChunks:
    """Mixin of the estimators: fit on chunks."""

    @fit_context
    def fit_chunks(self, chunks, *, X_val=None, y_val=None, sample_weight_val=None):
        """Fit the network to rows that are read chunk by chunk, in each pass anew.

        Full-batch solvers make a pass per evaluation and find what ``fit`` finds; the others make one per epoch, and
        draw each minibatch from one chunk: let a chunk hold many batches, of all kinds of rows. Memory holds two
        chunks, the rows held out by ``early_stopping``, which are the same share of each chunk, and nothing else
        that grows with the data.

        Parameters
        ----------
        chunks : callable
            Opens a pass: ``chunks()`` returns an iterator of ``(X, y)`` or ``(X, y, sample_weight)``, the same in each
            pass. Chunks without rows are left out.
        X_val, y_val, sample_weight_val : array-like or None, default=None
            Validation set, as for ``fit``.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If parameters or data cannot be used, chunks differ in kind or between passes, or training diverges.

        Examples
        --------
        >>> import numpy as np
        >>> from skmlp_scratch import ScratchMLPRegressor
        >>> X = np.linspace(-1, 1, 60).reshape(-1, 1)
        >>> def chunks():
        ...     for start in range(0, 60, 20):
        ...         yield X[start : start + 20], 3 * X[start : start + 20, 0] + 1
        >>> reg = ScratchMLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0).fit_chunks(chunks)
        >>> reg.predict([[0.5]]).round(2)
        array([2.5])
        """
        if not callable(chunks):
            raise ValueError(
                f"chunks={type(chunks).__name__} must be a callable that opens a pass, such as a generator function: "
                "training reads the data several times."
            )
        return self._fit(Chunks(chunks), None, None, (X_val, y_val, sample_weight_val))
