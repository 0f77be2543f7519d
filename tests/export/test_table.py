"""The encoding of tables as a graph: numbers, two-valued columns, categories and gaps."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline

from skmlp_scratch import ScratchMLPRegressor
from skmlp_scratch.encoding import TableEncoder
from skmlp_scratch.export import to_onnx
from skmlp_scratch.export._graph import Graph
from skmlp_scratch.export._table import inputs_of, write_encoding

from .exportable import fit, small

pytest.importorskip("onnx", reason="to_onnx needs onnx")
runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime to run the graphs")

N_ROWS = 200
rng = np.random.RandomState(0)
TABLE = pd.DataFrame(
    {
        "size": rng.normal(size=N_ROWS).astype(np.float32),
        "income": (1000 * rng.lognormal(size=N_ROWS)).astype(np.float32),
        "year": (2000 + rng.uniform(0, 0.5, size=N_ROWS)).astype(np.float32),  # narrow bins far from zero
        "rooms": rng.randint(0, 50, N_ROWS),
        "side": np.where(rng.rand(N_ROWS) > 0.5, 3, 7),
        "new": rng.rand(N_ROWS) > 0.5,
        "color": rng.choice(["red", "green", "blue"], N_ROWS),
        "city": rng.choice([f"city {i}" for i in range(60)], N_ROWS),
        "grade": pd.Categorical(rng.choice([1, 2, 3], N_ROWS)),
        "same": 1,
    }
)
TABLE.loc[:20, "size"] = np.nan
TABLE.loc[30:40, "color"] = None


def cells_of(frame):
    """The columns as a graph takes them: float32 numbers, and texts, empty where missing."""
    cells = {}
    for name in frame:
        column = frame[name]
        if isinstance(column.dtype, pd.CategoricalDtype) or not (pd.api.types.is_numeric_dtype(column)):
            values = [("" if pd.isna(cell) else str(cell)) for cell in column]
            cells[name] = np.array(values, dtype=object).reshape(-1, 1)
        else:
            cells[name] = column.to_numpy(np.float32).reshape(-1, 1)
    return cells


def encoded(encoder, cells):
    graph = Graph()
    inputs = inputs_of(encoder)
    write_encoding(encoder, graph, {name: name for name in inputs}, "encoded")
    proto = graph.to_proto("table", inputs, {"encoded": (np.float32, len(encoder.get_feature_names_out()))})
    session = runtime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {each.name: cells[each.name] for each in session.get_inputs()})[0]


def assert_same(encoder, X, cells=None):
    result = encoded(encoder, cells_of(X) if cells is None else cells)
    np.testing.assert_allclose(result, encoder.transform(X), rtol=0, atol=1e-6)


def test_table_it_was_fitted_to():
    assert_same(TableEncoder().fit(TABLE), TABLE)


def test_table_with_what_was_never_seen():
    later = TABLE.copy()
    later.loc[50:60, ["color", "city"]] = ["mauve", "nowhere"]
    later.loc[70:80, "income"] = np.nan  # of which none was missing in fit
    later.loc[90, ["size", "income"]] = [-1e6, 1e9]
    later.loc[91, "side"] = 100
    later.loc[92:95, "city"] = None
    assert_same(TableEncoder().fit(TABLE), later)


@pytest.mark.parametrize("parameters", [{"n_bins": 0}, {"min_frequency": 1}, {"min_frequency": 1000}, {"n_bins": 200}])
def test_parameters_of_the_encoder(parameters):
    assert_same(TableEncoder(**parameters).fit(TABLE), TABLE)


@pytest.mark.parametrize("columns", [["size"], ["side", "new"], ["color", "grade"], ["rooms", "color"]])
def test_tables_of_few_kinds(columns):
    assert_same(TableEncoder().fit(TABLE[columns]), TABLE[columns])


def test_numbers_that_are_categories_are_given_as_text():
    encoder = TableEncoder(categorical_features=["rooms"], min_frequency=1).fit(TABLE[["rooms", "size"]])
    cells = cells_of(TABLE) | {"rooms": TABLE["rooms"].astype(str).to_numpy(object).reshape(-1, 1)}
    assert_same(encoder, TABLE[["rooms", "size"]], cells)


def test_an_array_of_numbers_is_one_input():
    X = rng.normal(size=(N_ROWS, 4)).astype(np.float32)
    X[3, 1] = np.nan
    X[:, 2] = 5  # dropped
    assert_same(TableEncoder().fit(X), X, {"X": X})


def test_an_array_of_numbers_and_texts_has_an_input_for_each_column():
    X = np.column_stack([TABLE["rooms"].to_numpy(object), TABLE["city"].to_numpy(object)])
    cells = {"0": TABLE[["rooms"]].to_numpy(np.float32), "1": TABLE[["city"]].to_numpy(object)}
    assert_same(TableEncoder().fit(X), X, cells)


def test_dates_are_refused_by_name():
    frame = TABLE[["size"]].assign(sold=pd.date_range("2020-01-01", periods=N_ROWS))
    with pytest.raises(ValueError, match="'sold' holds dates and cannot be exported"):
        write_encoding(TableEncoder().fit(frame), Graph(), {})


def test_a_table_without_a_column_that_tells_anything_is_refused():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        encoder = TableEncoder().fit(TABLE[["same"]])
    with pytest.raises(ValueError, match="all its columns were dropped"):
        write_encoding(encoder, Graph(), {})


def test_encoder_in_a_pipeline():
    pytest.importorskip("skl2onnx", reason="pipelines are converted by skl2onnx")
    pipe = make_pipeline(TableEncoder(), small(ScratchMLPRegressor, normalization="batch"))
    fit(pipe, TABLE["rooms"] / 50, TABLE.drop(columns="grade"))
    model = to_onnx(pipe, TABLE.drop(columns="grade")[:1])
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    kinds = {"tensor(int64)": np.int64, "tensor(bool)": bool}
    cells = cells_of(TABLE)
    cells = {
        each.name: cells[each.name].astype(kinds.get(each.type, cells[each.name].dtype))
        for each in session.get_inputs()
    }
    np.testing.assert_allclose(session.run(None, cells)[0][:, 0], pipe.predict(TABLE), rtol=0, atol=1e-5)


def test_encoder_of_an_array_in_a_pipeline():
    pytest.importorskip("skl2onnx", reason="pipelines are converted by skl2onnx")
    X = rng.normal(size=(N_ROWS, 4)).astype(np.float32)
    X[3, 1] = np.nan
    pipe = fit(make_pipeline(TableEncoder(), small(ScratchMLPRegressor)), X[:, 0], X)
    session = runtime.InferenceSession(to_onnx(pipe).SerializeToString(), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, {"X": X})[0][:, 0], pipe.predict(X), rtol=0, atol=1e-5)
