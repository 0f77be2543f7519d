"""From tables of every kind to the numbers a network learns from."""

import datetime as dt
import pickle
import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_param_validation, parametrize_with_checks

from skmlp_scratch.encoding import PiecewiseLinearEncoder, TableEncoder
from skmlp_scratch.estimators import _atomic
from skmlp_scratch.tables import DroppedColumnWarning

N = 60


def piecewise(column, edges):
    """The code by its definition, bin by bin and cell by cell."""
    code = np.zeros((len(column), len(edges) - 1))
    for i, x in enumerate(column):
        for t in range(len(edges) - 1):
            low = -1 if t == 0 else 0
            high = 2 if t == len(edges) - 2 else 1
            code[i, t] = min(max((x - edges[t]) / (edges[t + 1] - edges[t]), low), high)
    return code


def make_frame(n=N, seed=0):
    """A frame with columns of every kind, with gaps."""
    rng = np.random.default_rng(seed)
    number = rng.standard_normal(n)
    number[::7] = np.nan
    city = rng.choice(["Paris", "Rome", "Oslo"], n).astype(object)
    city[::11] = None
    return pd.DataFrame(
        {
            "number": number,
            "integer": rng.integers(0, 100, n),
            "flag": rng.random(n) < 0.5,
            "two": rng.choice([3.0, 8.0], n),
            "city": pd.Categorical(city),
            "text": rng.choice(["x", "y"], n).astype(object),
            "when": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 20_000, n), unit="h"),
            "constant": 7,
            "nothing": np.full(n, np.nan),
            "span": pd.to_timedelta(rng.integers(0, 1000, n), unit="s"),
        }
    )


def nullable(frame):
    return frame.convert_dtypes()


def arrow(frame):
    return frame.convert_dtypes(dtype_backend="pyarrow")


def objects(frame):
    return frame.astype(object)


FRAMES = [nullable, arrow, objects, pl.from_pandas, pa.Table.from_pandas]


class TestPiecewiseLinearEncoder:
    def test_code_by_its_definition(self):
        rng = np.random.default_rng(0)
        X = np.column_stack([rng.standard_normal(200), rng.exponential(size=200), rng.integers(0, 5, 200)])
        encoder = PiecewiseLinearEncoder().fit(X)
        beyond = np.vstack([X, X * 3, [[-99.0, -99, -99], [99, 99, 99]]])
        expected = [piecewise(column, edges) for column, edges in zip(beyond.T, encoder.edges_, strict=True)]
        np.testing.assert_allclose(encoder.transform(beyond), np.hstack(expected), rtol=1e-12, atol=1e-12)
        assert encoder.transform(beyond).min() == -1
        assert encoder.transform(beyond).max() == 2

    def test_edges_at_equal_counts_of_rows(self):
        X = np.random.default_rng(0).standard_normal((1600, 1))
        (edges,) = PiecewiseLinearEncoder(16).fit(X).edges_
        counts = np.histogram(X, edges)[0]
        assert len(edges) == 17
        np.testing.assert_allclose(counts, 100, atol=1)

    def test_edges_left_over_by_ties_lie_at_equal_counts_of_distinct_values(self):
        distinct = np.arange(1.0, 101)
        column = np.concatenate([np.zeros(900), distinct])
        (edges,) = PiecewiseLinearEncoder(10).fit(column[:, np.newaxis]).edges_
        # Nine of the eleven quantiles are 0; the bins left over divide the distinct values.
        assert len(edges) == 11
        assert edges[0] == 0
        assert edges[-1] == 100
        inside = np.histogram(np.unique(column), edges)[0]
        assert inside.max() <= 13

    def test_few_distinct_values_are_the_edges(self):
        X = np.array([[1.0], [1], [5], [5], [5], [9]])
        assert PiecewiseLinearEncoder(16).fit(X).edges_[0].tolist() == [1, 5, 9]

    @pytest.mark.parametrize(
        ("n_features", "n_bins", "expected"),
        [
            (1, 16, 16),
            (32, 16, 16),
            (40, 16, 12),
            (128, 16, 4),
            (129, 16, 0),
            (3, 2, 2),
            (500, 1, 1),
            (513, 1, 0),
            (3, 0, 0),
        ],
    )
    def test_bins_per_column(self, n_features, n_bins, expected):
        X = np.random.default_rng(0).standard_normal((100, n_features))
        encoder = PiecewiseLinearEncoder(n_bins).fit(X)
        assert {len(edges) - 1 for edges in encoder.edges_} == {expected}
        assert encoder.transform(X).shape == (100, expected * n_features)
        assert len(encoder.get_feature_names_out()) == expected * n_features

    def test_a_constant_column_has_no_code(self):
        X = np.column_stack([np.full(10, 3.0), np.arange(10)])
        encoder = PiecewiseLinearEncoder(4).fit(X)
        assert encoder.get_feature_names_out().tolist() == [f"x1_bin{i}" for i in range(4)]
        assert encoder.transform(X).shape == (10, 4)

    @pytest.mark.parametrize("scale", [1e-300, 1e-30, 1.0, 1e30, 1e300])
    def test_scale_and_place_do_not_matter(self, scale):
        X = np.random.default_rng(0).random((50, 1))
        encoder = PiecewiseLinearEncoder(8)
        np.testing.assert_allclose(encoder.fit_transform(X * scale), encoder.fit_transform(X), atol=1e-9)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_dtype_in_dtype_out(self, dtype):
        X = np.random.default_rng(0).standard_normal((50, 3)).astype(dtype)
        assert PiecewiseLinearEncoder().fit_transform(X).dtype == dtype

    def test_names_and_set_output(self):
        frame = pd.DataFrame({"a": [0.0, 1, 2], "b": [5.0, 5, 6]})
        for library in ("pandas", "polars"):
            out = PiecewiseLinearEncoder().set_output(transform=library).fit_transform(frame)
            assert list(out.columns) == ["a_bin0", "a_bin1", "b_bin0"]

    def test_sparse_is_refused(self):
        with pytest.raises(TypeError, match=r"[Ss]parse"):
            PiecewiseLinearEncoder().fit(csr_array(np.eye(3)))

    def test_code_beside_the_numbers_makes_a_linear_model_bend(self):
        X = np.linspace(-3, 3, 300)[:, np.newaxis]
        y = np.sin(2 * X.ravel())
        both = FeatureUnion([("x", StandardScaler()), ("code", PiecewiseLinearEncoder())])
        assert Ridge().fit(X, y).score(X, y) < 0.2
        assert make_pipeline(both, Ridge(0.01)).fit(X, y).score(X, y) > 0.95


class TestTableEncoder:
    def test_what_became_of_every_column(self):
        encoder = TableEncoder().fit(make_frame())
        assert [(column.name, column.kind, column.what, column.n_out) for column in encoder.columns_] == [
            ("number", "number", "standardized, 16 bins, missing indicator", 18),
            ("integer", "number", "standardized, 16 bins", 17),
            ("flag", "boolean", "0/1", 1),
            ("two", "boolean", "0/1", 1),
            ("city", "category", "4 categories", 4),
            ("text", "category", "2 categories", 2),
            ("when", "date", "days, month, weekday, hour, 49 bins", 53),
            ("constant", "constant", "dropped: one value", 0),
            ("nothing", "constant", "dropped: all missing", 0),
            ("span", "number", "standardized, 16 bins", 17),
        ]
        assert str(encoder.columns_).splitlines()[0].split() == ["name", "kind", "what", "n_out"]

    def test_each_block_is_what_it_says(self):
        frame = make_frame()
        encoder = TableEncoder()
        encoded = pd.DataFrame(encoder.fit_transform(frame), columns=encoder.get_feature_names_out())
        assert (encoded.dtypes == np.float32).all()
        number = frame["number"].fillna(frame["number"].median()).to_numpy()
        np.testing.assert_allclose(encoded["number"], (number - number.mean()) / number.std(), rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(encoded["number_missing"], frame["number"].isna())
        code = PiecewiseLinearEncoder().fit_transform(number[:, np.newaxis])
        np.testing.assert_allclose(encoded.filter(regex="^number_bin"), code, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(encoded["flag"], frame["flag"])
        np.testing.assert_array_equal(encoded["two"], frame["two"] == 8)
        for city in ("Paris", "Rome", "Oslo"):
            np.testing.assert_array_equal(encoded[f"city_{city}"], frame["city"] == city)
        np.testing.assert_array_equal(encoded["city_missing"], frame["city"].isna())
        weekday = frame["when"].dt.day_of_week
        np.testing.assert_allclose(encoded["when_weekday"], (weekday - weekday.mean()) / weekday.std(ddof=0), rtol=1e-5)

    @pytest.mark.parametrize("convert", FRAMES, ids=lambda convert: getattr(convert, "__qualname__", str(convert)))
    def test_all_kinds_of_frames_are_the_same_table(self, convert):
        frame = make_frame()
        encoder = TableEncoder().fit(frame)
        other = clone(encoder).fit(convert(frame))
        assert other.columns_ == encoder.columns_
        expected = encoder.transform(frame)
        np.testing.assert_allclose(other.transform(convert(frame)), expected, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(encoder.transform(convert(frame)), expected, rtol=1e-5, atol=1e-5)

    def test_arrays(self):
        rng = np.random.default_rng(0)
        X = rng.standard_normal((50, 3))
        encoder = TableEncoder().fit(X)
        expected = encoder.transform(X)
        for other in (X.astype(object), X.tolist(), np.asfortranarray(X), pd.DataFrame(X)):
            np.testing.assert_array_equal(clone(encoder).fit_transform(other), expected)
        words = np.array([["a", "1"], ["b", "2"]] * 10)
        assert [column.kind for column in TableEncoder().fit(words).columns_] == ["category", "category"]
        assert TableEncoder().fit(X > 0).columns_[0].kind == "boolean"
        assert TableEncoder().fit(rng.integers(0, 9, (50, 1))).columns_[0].kind == "number"

    def test_no_number_at_all(self):
        frame = pd.DataFrame({"a": ["x", "y"] * 10})
        assert TableEncoder().fit_transform(frame).shape == (20, 2)

    def test_float32_without_a_copy_in_float64(self):
        X = np.random.default_rng(0).standard_normal((50, 3)).astype(np.float32)
        encoder = TableEncoder().fit(X)
        assert encoder.compress(X).dtype == np.float32
        np.testing.assert_allclose(encoder.transform(X), TableEncoder().fit_transform(X.astype(float)), atol=1e-4)

    def test_slices_are_encoded_alike(self, monkeypatch):
        frame = make_frame(200)
        encoder = TableEncoder().fit(frame)
        expected = encoder.transform(frame)
        rows = np.random.default_rng(0).permutation(200)
        np.testing.assert_array_equal(encoder.transform(frame.iloc[rows]), expected[rows])
        np.testing.assert_array_equal(encoder.transform(frame.iloc[[5]]), expected[[5]])
        np.testing.assert_array_equal(encoder.expand(encoder.compress(frame)[rows]), expected[rows])
        monkeypatch.setattr("skmlp_scratch.encoding.CHUNK_SIZE", 1000)
        np.testing.assert_array_equal(encoder.transform(frame), expected)
        np.testing.assert_array_equal(clone(encoder).fit_transform(frame), expected)

    @pytest.mark.parametrize("convert", [pd.DataFrame, pl.from_pandas])
    def test_columns_are_taken_by_name(self, convert):
        frame = make_frame()
        encoder = TableEncoder().fit(frame)
        shuffled = frame[frame.columns[::-1]].assign(extra="new")
        np.testing.assert_array_equal(encoder.transform(convert(shuffled)), encoder.transform(frame))
        with pytest.raises(ValueError, match="X lacks columns that were there in fit: 'two', 'city'"):
            encoder.transform(frame.drop(columns=["city", "two"])[::-1])

    def test_dropped_columns_are_not_read(self):
        frame = make_frame()
        encoder = TableEncoder().fit(frame)
        expected = encoder.transform(frame)
        np.testing.assert_array_equal(encoder.transform(frame.assign(constant="text", nothing=np.inf)), expected)
        np.testing.assert_array_equal(encoder.transform(frame.drop(columns=["constant", "nothing"])), expected)

    def test_an_array_of_another_width(self):
        encoder = TableEncoder().fit(np.random.default_rng(0).random((9, 3)))
        with pytest.raises(ValueError, match="X has 2 features, but TableEncoder is expecting 3"):
            encoder.transform(np.ones((2, 2)))

    def test_missing_in_test_only(self):
        frame = pd.DataFrame({"n": np.arange(20.0), "c": ["x", "y"] * 10, "b": [True, False] * 10})
        encoder = TableEncoder().fit(frame)
        holes = pd.DataFrame({"n": [np.nan, 9.5], "c": [None, "x"], "b": pd.array([None, True], dtype="boolean")})
        encoded = pd.DataFrame(encoder.transform(holes), columns=encoder.get_feature_names_out())
        assert "n_missing" not in encoded
        assert encoded.loc[0].filter(like="n").tolist() == encoded.loc[1].filter(like="n").tolist()
        assert encoded.loc[0, ["c_x", "c_y", "b"]].tolist() == [0, 0, 0.5]

    def test_missing_in_fit_only(self):
        frame = pd.DataFrame({"n": [np.nan, *range(19)], "c": [None, "x"] * 10})
        encoder = TableEncoder().fit(frame)
        encoded = pd.DataFrame(encoder.transform(frame[1:2]), columns=encoder.get_feature_names_out())
        assert encoded["n_missing"].tolist() == [0]
        assert encoded["c_missing"].tolist() == [0]

    def test_one_value_and_gaps_are_two_categories(self):
        frame = pd.DataFrame({"n": [np.nan, 5.0] * 10, "d": [pd.NaT, pd.Timestamp("2020-01-01")] * 10})
        encoder = TableEncoder().fit(frame)
        assert [column.kind for column in encoder.columns_] == ["category", "category"]
        assert encoder.transform(frame[:2]).tolist() == [[0, 1, 0, 1], [1, 0, 1, 0]]

    def test_rare_and_unknown_categories_share_a_column(self):
        frame = pd.DataFrame({"c": ["a"] * 8 + ["b"] * 8 + ["r", "s"]})
        encoder = TableEncoder().fit(frame)
        assert encoder.get_feature_names_out().tolist() == ["c_a", "c_b", "c_infrequent"]
        assert encoder.transform(pd.DataFrame({"c": ["a", "r", "never", None]}))[:, 2].tolist() == [0, 1, 1, 1]
        # Without rare categories an unknown one belongs to none.
        assert TableEncoder().fit(frame[:16]).transform(pd.DataFrame({"c": ["never"]})).tolist() == [[0, 0]]

    def test_maximum_number_of_categories(self):
        frame = pd.DataFrame({"c": np.repeat([f"c{i}" for i in range(40)], 6)})
        assert TableEncoder(max_categories=10).fit_transform(frame).shape[1] == 10

    def test_identifiers_are_dropped_with_a_warning_that_names_them(self):
        frame = make_frame().assign(key=[f"key {i}" for i in range(N)])
        with pytest.warns(DroppedColumnWarning, match=r"Dropped 'key': nearly all .* convert it first"):
            encoder = TableEncoder().fit(frame)
        assert encoder.columns_[-1] == ("key", "identifier", "dropped: nearly all values differ", 0)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            np.testing.assert_array_equal(
                encoder.transform(frame), TableEncoder().fit_transform(frame.drop(columns="key"))
            )
            kept = TableEncoder(["key"]).fit(frame)
        assert kept.columns_[-1].kind == "category"

    @pytest.mark.parametrize(
        "categorical_features",
        [["integer", "flag"], [1, 2], np.isin(np.arange(10), [1, 2]), pd.Index(["integer", "flag"])],
    )
    def test_categorical_features(self, categorical_features):
        frame = make_frame()
        encoder = TableEncoder(categorical_features, min_frequency=1).fit(frame)
        kinds = {column.name: column.kind for column in encoder.columns_}
        assert [kinds[name] for name in ("number", "integer", "flag", "text")] == ["number", *["category"] * 3]
        assert encoder.columns_[1].n_out == frame["integer"].nunique()
        # The type may differ between tables; what counts is the value.
        np.testing.assert_array_equal(encoder.transform(frame.astype({"integer": float})), encoder.transform(frame))

    @pytest.mark.parametrize(
        ("categorical_features", "message"),
        [
            (["nowhere"], "no column 'nowhere'"),
            ([10], "no column 10"),
            ([-1], "no column -1"),
            ([True], r"shape \(1,\)"),
        ],
    )
    def test_categorical_features_that_do_not_exist(self, categorical_features, message):
        with pytest.raises(ValueError, match=f"categorical_features.*{message}"):
            TableEncoder(categorical_features).fit(make_frame())

    def test_none_leaves_texts_as_categories(self):
        assert TableEncoder(None).fit(make_frame()).columns_ == TableEncoder().fit(make_frame()).columns_

    def test_a_cell_that_does_not_fit_names_the_column(self):
        encoder = TableEncoder().fit(make_frame())
        with pytest.raises(ValueError, match="column 'integer' held number values in fit, and now holds 'many'"):
            encoder.transform(make_frame().assign(integer="many"))
        with pytest.raises(ValueError, match="column 'when' held date values in fit, and now holds"):
            encoder.transform(make_frame().assign(when=3))
        with pytest.raises(TypeError, match="column 'text' holds a dict"):
            TableEncoder().fit(make_frame().assign(text=[{}] * N))

    def test_numbers_beyond_float32_name_the_column(self):
        encoder = TableEncoder().fit(make_frame())
        for value in (np.inf, -1.5e100):
            with pytest.raises(ValueError, match=f"column 'number' holds {re.escape(str(value))}, and numbers end at"):
                encoder.transform(make_frame().assign(number=value))
        tiny = make_frame()
        encoder.fit(tiny.assign(number=tiny["number"] * 1e-20))
        with pytest.raises(ValueError, match=r"column 'number' holds 1e\+30, too far from its values in fit"):
            encoder.transform(tiny.assign(number=1e30))

    def test_an_all_missing_column_in_test(self):
        frame = make_frame()
        encoder = TableEncoder().fit(frame)
        for name in frame.columns:
            encoded = encoder.transform(frame.assign(**{name: None}))
            assert np.isfinite(encoded).all()

    def test_parts_of_dates_that_do_not_vary_are_left_out(self):
        days = pd.DataFrame({"d": pd.date_range("2020-03-02", periods=28, freq="D")})
        encoder = TableEncoder(n_bins=0).fit(days)
        assert encoder.get_feature_names_out().tolist() == ["d", "d_weekday"]
        assert encoder.columns_[0].what == "days, weekday"
        dates = np.array([dt.date(2020, 3, day) for day in range(2, 30)], dtype=object)[:, np.newaxis]
        np.testing.assert_array_equal(TableEncoder(n_bins=0).fit_transform(dates), encoder.transform(days))

    def test_wide_tables_have_no_code(self):
        X = np.random.default_rng(0).random((30, 200))
        assert TableEncoder().fit_transform(X).shape == (30, 200)

    def test_names_are_unique(self):
        frame = pd.DataFrame({"a": ["b_c", "x"] * 10, "a_b": ["c", "x"] * 10, "n": [np.nan, 1, 2, 3] * 5})
        frame["n_missing"] = frame["n"].fillna(9)
        names = TableEncoder().fit(frame).get_feature_names_out()
        assert len(set(names)) == len(names) == TableEncoder().fit_transform(frame).shape[1]

    @pytest.mark.parametrize("library", ["pandas", "polars"])
    def test_set_output(self, library):
        frame = make_frame()
        encoder = TableEncoder().set_output(transform=library)
        out = encoder.fit_transform(frame)
        assert list(out.columns) == encoder.get_feature_names_out().tolist()
        np.testing.assert_array_equal(out.to_numpy(), TableEncoder().fit_transform(frame))

    def test_pickle_and_clone(self):
        frame = make_frame()
        encoder = TableEncoder().fit(frame)
        again = pickle.loads(pickle.dumps(encoder))
        np.testing.assert_array_equal(again.transform(frame), encoder.transform(frame))
        assert again.columns_ == encoder.columns_
        assert not hasattr(clone(encoder), "columns_")

    def test_a_failed_refit_leaves_the_earlier_one(self):
        frame = make_frame()
        encoder = TableEncoder().fit(frame)
        expected = encoder.transform(frame)
        with pytest.raises(TypeError, match="'text'"):
            encoder.fit(frame.assign(text=[[]] * N))
        np.testing.assert_array_equal(encoder.transform(frame), expected)

    def test_in_a_pipeline(self):
        frame = make_frame(300)
        y = (frame["city"] == "Rome") | (frame["when"].dt.month > 9)
        model = make_pipeline(TableEncoder(), LogisticRegression(max_iter=1000)).fit(frame, y)
        assert model.score(frame, y) > 0.97

    def test_sparse_is_refused(self):
        with pytest.raises(TypeError, match=r"X is sparse.*toarray"):
            TableEncoder().fit(csr_array(np.eye(3)))


ENCODERS = [PiecewiseLinearEncoder(), PiecewiseLinearEncoder(n_bins=0), TableEncoder(), TableEncoder(n_bins=0)]


@parametrize_with_checks(ENCODERS)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", [PiecewiseLinearEncoder(), TableEncoder()], ids=lambda e: type(e).__name__)
def test_scikit_learn_checks_of_parameters(estimator):
    check_param_validation(type(estimator).__name__, estimator)


@pytest.mark.parametrize("name", ["adult", "german", "california_housing"])
def test_real_tables(shared_data, name):
    import tarfile

    folder = shared_data / "tables" / name
    if name == "california_housing":
        with tarfile.open(folder / "housing.tgz") as tar:
            frame = pd.read_csv(tar.extractfile("housing/housing.csv"))
    else:
        file = {"adult": "adult-train.csv", "german": "german.csv"}[name]
        frame = pd.read_csv(folder / file, header=None, skipinitialspace=True, na_values="?").rename(columns=str)
    encoder = TableEncoder()
    encoded = encoder.fit_transform(frame)
    assert encoded.shape == (len(frame), sum(column.n_out for column in encoder.columns_))
    assert np.isfinite(encoded).all()
    assert not {"identifier", "constant"} & {column.kind for column in encoder.columns_}
    assert (encoded.std(axis=0) > 0).all()
    np.testing.assert_array_equal(encoder.transform(frame[100:200]), encoded[100:200])


def test_a_category_named_infrequent_takes_no_unknown_ones():
    known = pd.DataFrame({"kind": ["a", "infrequent"] * 20})
    encoder = TableEncoder().fit(known)
    assert encoder.get_feature_names_out().tolist() == ["kind_a", "kind_infrequent"]
    np.testing.assert_array_equal(encoder.transform(pd.DataFrame({"kind": ["infrequent", "z"]})), [[0, 1], [0, 0]])
    rare = TableEncoder().fit(pd.DataFrame({"kind": ["a", "infrequent"] * 20 + ["b"]}))
    strange = rare.transform(pd.DataFrame({"kind": ["infrequent", "b", "z"]}))
    np.testing.assert_array_equal(strange, [[0, 1, 0], [0, 0, 1], [0, 0, 1]])


def test_listed_categories_are_names_or_whole_numbers():
    with pytest.raises(ValueError, match=r"X has no column 0\.0"):
        TableEncoder(categorical_features=[0.0]).fit(np.arange(10.0)[:, np.newaxis])


def test_first_stage_of_fit_is_that_of_the_fitted_encoder():
    frame, encoder = make_frame(), TableEncoder()
    np.testing.assert_array_equal(encoder.fit_compress(frame), encoder.compress(frame))


@pytest.mark.parametrize("encoder", [TableEncoder(), PiecewiseLinearEncoder()])
def test_a_pickle_of_another_version_is_said(encoder, monkeypatch):
    X = np.random.default_rng(0).random((30, 2))
    expected, stored = encoder.fit(X).transform(X), pickle.dumps(encoder)
    np.testing.assert_array_equal(pickle.loads(stored).transform(X), expected)
    monkeypatch.setattr(_atomic, "__version__", "99.0")
    with pytest.warns(UserWarning, match=r"was saved by skmlp_scratch .* and is loaded by 99\.0") as caught:
        pickle.loads(stored)
    assert caught[0].filename == __file__
