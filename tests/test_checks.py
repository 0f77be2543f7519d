"""Declared bounds, names, and columns: the small tools on the lowest floor."""

import copy
import math
import pickle
import re
from fractions import Fraction

import numpy as np
import pytest

from skmlp_scratch._checks import Checked, quiet
from skmlp_scratch._columns import Column, Integers
from skmlp_scratch._registry import resolve

TAKEN = {
    "[0, 1)": [0, 0.5, np.float32(0.5), Fraction(1, 2), np.int8(0)],
    "(0, inf)": [1e-300, 1e300, 3],
    "[-1, 1]": [-1, 1, 0.0],
    "[0.5, 2)": [0.5, 1.999],
    "int [1, inf)": [1, 10**20, np.int64(3)],
    "int [1, inf]": [1, math.inf, np.float64(np.inf)],
    "[0, inf]": [0, math.inf],
    "bool": [True, False, np.True_],
    "(0, 1] or None": [None, 1, 0.1],
    "bool or None": [None, True],
    "{all, weights}": ["all", "weights"],
}
REFUSED = {
    "[0, 1)": [1, -1e-9, math.nan, math.inf, "0.5", None, True, np.True_, 1j, [0.5]],
    "(0, inf)": [0, -1, math.inf, -math.inf],
    "[-1, 1]": [1.0001, -1.0001],
    "[0.5, 2)": [0.49, 2],
    "int [1, inf)": [0, 1.0, 2.5, math.inf, False],
    "int [1, inf]": [0, 2.5, -math.inf, math.nan],
    "[0, inf]": [-math.inf, math.nan],
    "bool": [0, 1, None, "yes"],
    "(0, 1] or None": [0, "None"],
    "bool or None": [0],
    "{all, weights}": ["al", "all, weights", None, True, ["all"]],
}


def holder(bound, value):
    made = Checked()
    made.bounds, made.figure = {"figure": bound}, value
    return made


@pytest.mark.parametrize("bound, value", [(bound, value) for bound, values in TAKEN.items() for value in values])
def test_a_value_within_its_bounds_is_taken(bound, value):
    assert holder(bound, value).check() is None


@pytest.mark.parametrize("bound, value", [(bound, value) for bound, values in REFUSED.items() for value in values])
def test_a_value_out_of_its_bounds_is_named(bound, value):
    with pytest.raises(ValueError, match=r"^figure=.* must be "):
        holder(bound, value).check()


@pytest.mark.parametrize(
    "bound, value, said",
    [
        ("[0, 1)", 2, "figure=2 must be a number of at least 0 and below 1."),
        ("(0, inf)", 0, "figure=0 must be a number above 0."),
        ("int [1, inf]", 0.5, "figure=0.5 must be a whole number of at least 1."),
        ("[0.5, 1]", 0, "figure=0 must be a number of at least 0.5 and at most 1."),
        ("bool", 1, "figure=1 must be True or False."),
        ("{all, weights}", "some", "figure='some' must be one of 'all', 'weights'."),
    ],
)
def test_the_message_says_what_is_allowed(bound, value, said):
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        holder(bound, value).check()


def test_numerical_warnings_are_quiet_and_come_back():
    with np.errstate(all="raise"):
        assert quiet(lambda: np.float64(1e300) * np.float64(1e300))() == math.inf
        with pytest.raises(FloatingPointError):
            np.float64(1e300) * np.float64(1e300)


TABLE = {"list": list, "dict": dict}


def test_a_name_gives_the_entry_and_an_object_itself():
    assert resolve(TABLE, "list", "container") is list
    made = object()
    assert resolve(TABLE, made, "container") is made


def test_with_a_method_a_name_gives_an_object_of_the_class():
    assert resolve(TABLE, "list", "container", method="append") == []
    made = [1]
    assert resolve(TABLE, made, "container", method="append") is made


@pytest.mark.parametrize("method", [None, "append"])
def test_an_unknown_name_is_answered_with_the_choices(method):
    with pytest.raises(ValueError, match=r"^container='set' is unknown; choose one of 'list', 'dict', or pass an obj"):
        resolve(TABLE, "set", "container", method=method)


@pytest.mark.parametrize("given", [None, 3, list, {}], ids=repr)
def test_an_object_needs_the_method(given):
    with pytest.raises(ValueError, match=r"^container=.* needs a method append\(\)"):
        resolve(TABLE, given, "container", method="append")


@pytest.mark.parametrize("kind, values", [(Column, [0.5, -1e300, 1 / 3, math.inf]), (Integers, [1, -(2**62), 3])])
def test_columns_come_back_bit_by_bit(kind, values):
    column = kind(values)
    for each in (pickle.loads(pickle.dumps(column)), copy.copy(column), copy.deepcopy(column)):
        assert type(each) is kind
        assert each == values
        assert [type(value) for value in each] == [type(value) for value in values]
        each.append(values[0])
        assert column == values
