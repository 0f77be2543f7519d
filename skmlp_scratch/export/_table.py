"""Tables: what a ``TableEncoder`` learned, as nodes of a graph."""

import numpy as np


def inputs_of(encoder):
    """Return the columns of a table that a graph takes.

    Parameters
    ----------
    encoder : TableEncoder
        Fitted encoder.

    Returns
    -------
    inputs : dict of str to tuple
        Names, each with dtype and width: ``X`` for arrays of numbers, else each column that is used.
    """
    kinds = _kinds(encoder)
    if _is_one_array(encoder):
        return {"X": (np.float32, encoder.n_features_in_)}
    return {_name(encoder, i): (object if kind == "category" else np.float32, 1) for i, kind in kinds.items()}


def write_encoding(encoder, graph, inputs, output=None):
    """Write the encoding of a table.

    The numbers are encoded in float64, as the encoder does, so that a narrow bin far from zero keeps its digits.

    Parameters
    ----------
    encoder : TableEncoder
        Fitted encoder.
    graph : Graph
        Place to write it to.
    inputs : dict of str to str
        For each of :func:`inputs_of` its name in the graph.
    output : str or None, default=None
        Name of the encoded table, float32; None makes one.

    Returns
    -------
    output : str
        Name of the encoded table.

    Raises
    ------
    ValueError
        If a column holds dates, or no column tells anything.
    """
    for column in encoder.columns_:
        if column.kind == "date":
            raise ValueError(
                f"Column {column.name!r} holds dates and cannot be exported: replace it by numbers, such as days."
            )
    if not any(column.n_out for column in encoder.columns_):
        raise ValueError("The table cannot be exported: all its columns were dropped.")
    if _is_one_array(encoder):
        columns = {i: graph.node("Gather", inputs["X"], graph.constant([i]), axis=1) for i in _kinds(encoder)}
    else:
        columns = {i: inputs[_name(encoder, i)] for i in _kinds(encoder)}
    parts = _write_numbers(encoder, graph, [columns[feature.source] for feature in encoder._numeric])
    categories = [_write_category(encoder, graph, i, columns[source]) for i, source in enumerate(encoder._texts)]
    return graph.node("Concat", *filter(None, [*parts[:3], *categories, *parts[3:]]), axis=1, output=output)


def _kinds(encoder):
    """The kind as which each column that is used is read, by its index."""
    return {i: kind for i, kind in enumerate(encoder._kinds) if kind is not None}


def _name(encoder, i):
    return str(encoder.columns_[i].name)


def _is_one_array(encoder):
    return "category" not in encoder._kinds and not hasattr(encoder, "feature_names_in_")


def _write_numbers(encoder, graph, columns):
    """Return the names of numbers, two-valued columns, indicators of gaps, and the code; None for what is not there."""
    if not columns:
        return [None] * 4
    n = encoder._n_numbers
    given = graph.node("Concat", *[graph.cast(column, np.float64) for column in columns], axis=1)
    missing = graph.node("IsNaN", given)
    values = graph.node("Where", missing, graph.constant(encoder._medians, np.float64), given)
    standardized = two_valued = gaps = code = None
    if n:
        numbers = _taken(graph, values, np.arange(n))
        standardized = _affine(graph, numbers, encoder._scaler.mean_, encoder._scaler.scale_)
        code = _write_code(encoder._coder, graph, numbers)
    if n < len(columns):
        least, span = -encoder._unit.min_ / encoder._unit.scale_, 1 / encoder._unit.scale_
        others = _taken(graph, values, np.arange(n, len(columns)))
        two_valued = _affine(graph, others, least, span, (0.0, 1.0))
    if encoder._gaps:
        gaps = graph.cast(_taken(graph, missing, encoder._gaps), np.float32)
    return standardized, two_valued, gaps, code


def _write_code(coder, graph, numbers):
    n_bins = [len(edges) - 1 for edges in coder.edges_]
    if not any(n_bins):
        return None
    lower = np.concatenate([edges[:-1] for edges in coder.edges_])
    width = np.concatenate([np.diff(edges) for edges in coder.edges_])
    # What the code is far below and far above all edges are its limits.
    limits = coder.transform(np.full((2, len(n_bins)), 1e300) * [[-1], [1]])
    return _affine(graph, _taken(graph, numbers, np.repeat(np.arange(len(n_bins)), n_bins)), lower, width, limits)


def _taken(graph, table, columns):
    return graph.node("Gather", table, graph.constant(columns), axis=1)


def _affine(graph, x, start, unit, limits=None):
    """Write (x - start) / unit between limits, as float32."""
    x = graph.node("Div", graph.node("Sub", x, graph.constant(start, np.float64)), graph.constant(unit, np.float64))
    if limits is not None:
        least, most = limits
        x = graph.node("Min", graph.node("Max", x, graph.constant(least, np.float64)), graph.constant(most, np.float64))
    return graph.cast(x, np.float32)


def _write_category(encoder, graph, i, column):
    """Write a column per category; the last is also that of rare and unknown ones, where some were rare."""
    known, categories = encoder._ordinal.categories_[i], list(encoder._categories[i])
    rare = encoder._ordinal.infrequent_categories_[i]
    rare = set() if rare is None else set(rare)
    frequent = [category for category in known if category not in rare]
    codes = {category: frequent.index(category) if category in frequent else len(frequent) for category in known}
    codes.setdefault("", codes.get("missing", len(frequent) if rare else -1))
    code = graph.node(
        "LabelEncoder",
        column,
        domain="ai.onnx.ml",
        keys_strings=list(codes),
        values_int64s=list(codes.values()),
        default_int64=len(frequent) if rare else -1,
    )
    return graph.cast(graph.node("Equal", code, graph.constant(np.arange(len(categories)))), np.float32)
