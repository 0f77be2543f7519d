"""What the pages under docs show is what Python prints."""

import doctest
from pathlib import Path

import pytest

PAGES = sorted(Path(__file__).parents[1].glob("docs/*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_print_what_they_show(page):
    results = doctest.testfile(str(page), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert results.failed == 0
    assert results.attempted or ">>>" not in page.read_text(encoding="utf-8")
