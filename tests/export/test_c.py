"""C files compile without a warning and give what the estimators give."""

import ctypes
import shutil
import subprocess

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skmlp_scratch import ScratchMLPClassifier
from skmlp_scratch.activations import ACTIVATIONS
from skmlp_scratch.export import to_c
from skmlp_scratch.export._c import ACTIVATION_EXPRESSIONS
from skmlp_scratch.layers import BatchNorm, Dense, Scale
from skmlp_scratch.network import Network

from .exportable import (
    LABELS,
    NUMBERS,
    ROWS,
    TOLERANCE,
    X,
    assert_same_labels,
    classifier,
    every_case,
    every_refused,
    fit,
    fitted,
    refused,
    regressor,
    small,
)

GCC = shutil.which("gcc")
needs_gcc = pytest.mark.skipif(GCC is None, reason="needs gcc to compile what is exported")
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic"]
FLOATS = np.ctypeslib.ndpointer(np.float32, flags="C_CONTIGUOUS")
INTS = np.ctypeslib.ndpointer(np.intc, flags="C_CONTIGUOUS")


class Compiled:
    """A compiled file, loaded."""

    def __init__(self, estimator, folder):
        (folder / "model.c").write_text(to_c(estimator), encoding="utf-8")
        command = [GCC, *STRICT, "-O2", "-shared", "-fPIC", "-o", "model.so", "model.c", "-lm"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        self.library, self.estimator = ctypes.CDLL(str(folder / "model.so")), estimator

    def fill(self, name, X, dtype, n_out):
        """The vector that a function fills, for each row."""
        function = getattr(self.library, name)
        function.argtypes, function.restype = [FLOATS, INTS if dtype == np.intc else FLOATS], None
        out = np.full((len(X), n_out), 77, dtype)
        for x, y in zip(X, out, strict=True):
            function(x, y)
        return out

    def index(self, X):
        """The index of the class of each row."""
        self.library.predict.argtypes, self.library.predict.restype = [FLOATS], ctypes.c_int
        return np.array([self.library.predict(x) for x in X])

    def classes(self):
        n = len(self.estimator.classes_)
        if self.estimator.classes_.dtype.kind in "UO":
            return [text.decode() for text in (ctypes.c_char_p * n).in_dll(self.library, "classes")]
        return list((ctypes.c_longlong * n).in_dll(self.library, "classes"))


def assert_same(compiled, X=ROWS):
    estimator = compiled.estimator
    if not hasattr(estimator, "predict_proba"):
        expected = estimator.predict(X).reshape(len(X), -1)
        y_pred = compiled.fill("predict", X, np.float32, estimator.n_outputs_)
        np.testing.assert_allclose(y_pred, expected, rtol=0, atol=TOLERANCE)
        return
    expected = estimator.predict_proba(X)
    y_prob = compiled.fill("predict_proba", X, np.float32, expected.shape[1])
    np.testing.assert_allclose(y_prob, expected, rtol=0, atol=TOLERANCE)
    if estimator.predict(X).ndim == 2:
        labels = compiled.fill("predict", X, np.intc, expected.shape[1])
    else:
        labels = np.array(compiled.classes())[compiled.index(X)]
    assert_same_labels(labels, estimator, X)


@needs_gcc
@every_case
def test_file_compiles_and_gives_the_same(case, tmp_path):
    assert_same(Compiled(fitted(case), tmp_path))


@needs_gcc
def test_other_layers_than_the_estimators_have(tmp_path):
    reg = regressor()
    reg.network_ = Network([Scale(4), BatchNorm(4), Dense(4, 1, bias=False)])
    reg.params_ = reg.network_.init(np.random.RandomState(0))
    reg.network_.unflatten(reg.params_)[0]["scale"][:] = [1, 2, -1, 0]
    assert_same(Compiled(reg, tmp_path))


@needs_gcc
def test_input_is_left_as_it_is(tmp_path):
    compiled = Compiled(fitted("labels: strings"), tmp_path)
    rows = ROWS.copy()
    compiled.index(rows)
    np.testing.assert_array_equal(rows, ROWS)


@needs_gcc
def test_nothing_is_needed_but_the_mathematics_of_c(tmp_path):
    """No allocation, no input or output: what the file leaves to be linked are functions of math.h."""
    (tmp_path / "model.c").write_text(to_c(fitted("mish, layer")))
    subprocess.run([GCC, *STRICT, "-c", "model.c"], cwd=tmp_path, check=True)
    nm = shutil.which("nm")
    if nm is None:
        pytest.skip("needs nm to list what a file leaves to be linked")
    lines = subprocess.run([nm, "-u", "model.o"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    needed = {line.split()[-1].lstrip("_") for line in lines.splitlines()}
    assert needed <= {"expf", "fmaxf", "log1pf", "sqrtf", "tanhf", "GLOBAL_OFFSET_TABLE_"}


@needs_gcc
def test_a_program_of_one_s_own(tmp_path):
    clf = fitted("labels: strings")
    program = """
#include <stdio.h>
int predict(const float *x);
extern const char *const classes[3];
int main(void)
{
    const float x[4] = {0.5f, -1.0f, 2.0f, 0.0f};
    puts(classes[predict(x)]);
    return 0;
}
"""
    (tmp_path / "main.c").write_text(program)
    (tmp_path / "model.c").write_text(to_c(clf))
    subprocess.run([GCC, *STRICT, "-o", "main", "main.c", "model.c", "-lm"], cwd=tmp_path, check=True)
    printed = subprocess.run([tmp_path / "main"], check=True, capture_output=True, text=True).stdout
    assert printed.strip() == clf.predict(np.float32([[0.5, -1, 2, 0]]))[0]


def test_the_head_lists_the_functions():
    assert "int predict(const float *x);" in to_c(fitted("labels: strings"))
    assert "the probabilities of the two classes into y[2]." in to_c(fitted("labels: two strings"))
    assert "void predict(const float *x, int *y);" in to_c(fitted("labels: multilabel"))
    assert "the prediction for x[4] into y[1]." in to_c(fitted("regressor: poisson"))
    assert "predict_proba" not in to_c(fitted("regressor: poisson"))


def test_every_row_of_the_tables_has_its_expression():
    assert set(ACTIVATION_EXPRESSIONS) == set(ACTIVATIONS.values())


@every_refused
def test_what_cannot_be_converted_is_named(name):
    with pytest.raises(ValueError, match=f"{name}.* cannot be exported"):
        to_c(refused(name))


def test_pipelines_are_refused():
    pipe = fit(make_pipeline(small(ScratchMLPClassifier)), LABELS["strings"])
    with pytest.raises(TypeError, match="not a Pipeline: pass the network alone"):
        to_c(pipe)
    with pytest.raises(TypeError, match="not a LogisticRegression"):
        to_c(LogisticRegression().fit(X, LABELS["strings"]))


def test_a_single_class_is_refused():
    with pytest.raises(ValueError, match="holds only 'only'"):
        to_c(classifier(y=np.full(len(X), "only")))


def test_an_estimator_that_is_not_fitted_is_refused():
    with pytest.raises(ValueError, match="not fitted"):
        to_c(ScratchMLPClassifier())


def test_the_text_depends_on_the_model_alone():
    assert to_c(regressor(y=NUMBERS)) == to_c(regressor(y=NUMBERS))
