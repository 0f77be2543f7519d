"""The documentation site: the reference is complete, docstrings are well-formed, links lead somewhere.

The scripts of the gallery are run by the build of the site, which ends at the first that fails, and not here again.
"""

import importlib
import inspect
import pkgutil
import re
from collections import namedtuple
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from sklearn.base import BaseEstimator
from sklearn.utils import estimator_html_repr

import skmlp_scratch
from skmlp_scratch import ScratchMLPClassifier

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
BUILT = DOCS / "_build"

needs_build = pytest.mark.skipif(
    not (BUILT / "index.html").exists(), reason="the site is not built: python -m sphinx -W docs docs/_build"
)


# The reference.


def public_modules():
    """Every module that can be imported without an underscore."""
    found = pkgutil.walk_packages(skmlp_scratch.__path__, "skmlp_scratch.")
    names = ["skmlp_scratch", *(module.name for module in found)]
    return [importlib.import_module(name) for name in names if "._" not in name and "__" not in name]


def public_names(module):
    """The names that a module offers: those of ``__all__``, else the functions and classes that it defines."""
    if hasattr(module, "__all__"):
        return module.__all__
    own = {name: thing for name, thing in vars(module).items() if getattr(thing, "__module__", "") == module.__name__}
    return [name for name, thing in own.items() if not name.startswith("_") and not name.isupper()]


def reference():
    """Full names of everything that docs/api/index.rst lists."""
    names, module = [], None
    for line in (DOCS / "api" / "index.rst").read_text(encoding="utf-8").splitlines():
        if line.startswith(".. currentmodule::"):
            module = line.split()[-1]
        elif re.fullmatch(r"   [\w.]+", line):
            names.append(f"{module}.{line.strip()}")
    return names


def resolve(full_name):
    module, _, name = full_name.rpartition(".")
    return getattr(importlib.import_module(module), name)


OBJECTS = {name: resolve(name) for name in reference()}
METHODS = {
    f"{full_name}.{name}": (thing, name)
    for full_name, thing in OBJECTS.items()
    if inspect.isclass(thing)
    for name, member in vars(thing).items()
    if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, classmethod | property))
}
ESTIMATORS = {name: thing for name, thing in OBJECTS.items() if inspect.isclass(thing) and hasattr(thing, "fit")}


def test_the_reference_lists_everything_public():
    text = (DOCS / "api" / "index.rst").read_text(encoding="utf-8")
    listed = {id(thing) for thing in OBJECTS.values()}
    public = {
        f"{module.__name__}.{name}": getattr(module, name)
        for module in public_modules()
        for name in public_names(module)
    }
    missing = [
        full_name
        for full_name, thing in public.items()
        if id(thing) not in listed and f"``{full_name.rpartition('.')[2]}``" not in text
    ]
    assert missing == [], "add them to docs/api/index.rst"
    assert len(public) > 100


def test_the_tables_of_names_are_in_the_reference():
    text = (DOCS / "api" / "index.rst").read_text(encoding="utf-8")
    for table in ("ACTIVATIONS", "INITIALIZERS", "LOSSES", "OPTIMIZERS", "SCHEDULES", "SOLVERS"):
        assert f"``{table}``" in text


# Docstrings.

# Checks of numpydoc that are left out, and why.
IGNORED = {
    "SA01": "a See Also section, where there is nothing to see",
    "ES01": "an extended summary, where one line says all",
    "EX01": "an example per method: the class has one",
    "RT02": "no names of returned values, which say what they are",
    "RT03": "a description of a return value whose name and type say all",
    "SS05": "a verb as the first word, told by its last letter: 'Softplus' and 'As' are no verbs",
    "PR04": "types of parameters that are passed on, whose text leads to where they are described",
}
# A method documents its parameters where it comes from: a base class, or what the text leads to.
ELSEWHERE = {"PR01", "RT01"}


def is_described_elsewhere(cls, method):
    text = inspect.getdoc(getattr(cls, method)) or ""
    return any(hasattr(base, method) for base in cls.__mro__[1:]) or re.search(r"\b[Aa]s (for )?:meth:", text)


def problems(full_name, ignored):
    validate = pytest.importorskip("numpydoc.validate", reason='numpydoc is not installed: pip install -e ".[docs]"')
    errors = validate.validate(full_name)["errors"]
    return [error for error in errors if error[0] not in ignored]


@pytest.mark.parametrize("full_name", OBJECTS)
def test_a_docstring_is_well_formed(full_name):
    # Protocols and what `trace` returns are not called by the reader: their attributes are documented.
    is_protocol = full_name.startswith("skmlp_scratch.sockets.") or full_name.endswith("Trace")
    assert problems(full_name, {*IGNORED, *({"PR01"} if is_protocol else ())}) == []


@pytest.mark.parametrize("full_name", METHODS)
def test_a_method_s_docstring_is_well_formed(full_name):
    ignored = {*IGNORED, *(ELSEWHERE if is_described_elsewhere(*METHODS[full_name]) else ())}
    assert problems(full_name, ignored) == []


# Links from scikit-learn's HTML diagrams.


@pytest.mark.parametrize("full_name", ESTIMATORS)
def test_the_diagram_of_an_estimator_links_to_its_page(full_name):
    estimator = ESTIMATORS[full_name]()
    link = estimator._get_doc_link()
    assert link == f"https://skmlp-scratch.github.io/skmlp_scratch/api/generated/{full_name}.html"
    assert f'href="{link}"' in estimator_html_repr(estimator)


def test_every_public_estimator_is_seen():
    assert set(ESTIMATORS) >= {f"skmlp_scratch.{name}" for name in skmlp_scratch.__all__ if name.startswith("Scratch")}
    assert all(issubclass(each, BaseEstimator) for each in ESTIMATORS.values())


def test_a_subclass_elsewhere_has_no_page():
    class Own(ScratchMLPClassifier):
        pass

    assert Own()._get_doc_link() == ""


# Pages.


def test_every_page_is_in_the_toctree_once():
    text = (DOCS / "index.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```\{toctree\}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    entries = [line for block in blocks for line in block.splitlines() if line and not line.startswith(":")]
    assert len(entries) == len(set(entries))
    pages = {page.stem for page in DOCS.glob("*.md")} - {"index"}
    assert set(entries) == pages | {"api/index", "auto_gallery/index"}


def test_the_version_to_cite_is_the_package_s():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.*)$", text, re.MULTILINE) == [skmlp_scratch.__version__]


# The built site.

Page = namedtuple("Page", "ids links images")


class Reader(HTMLParser):
    """Collects what can be linked to, what is linked to, and the images of a page."""

    def __init__(self):
        super().__init__()
        self.page = Page(set(), [], [])

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.page.ids.update(attrs[key] for key in ("id", "name") if key in attrs)
        self.page.links.extend(attrs[key] for key in ("href", "src") if attrs.get(key))
        if tag == "img":
            self.page.images.append(attrs)


@pytest.fixture(scope="module")
def pages():
    """Every built page by its path."""
    found = {}
    for path in BUILT.rglob("*.html"):
        if "_static" in path.parts:  # a template of the theme
            continue
        reader = Reader()
        reader.feed(path.read_text(encoding="utf-8"))
        found[path] = reader.page
    return found


def leads_somewhere(path, link, pages):
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    # "#" alone is the top, and the search page takes its words after one.
    return target.exists() and (not parts.fragment or unquote(parts.fragment) in pages[target].ids)


@needs_build
def test_internal_links_lead_to_pages_images_and_anchors(pages):
    assert len(pages) > 100
    dead = [
        (path.relative_to(BUILT), link)
        for path, page in pages.items()
        for link in page.links
        if not leads_somewhere(path, link, pages)
    ]
    assert dead == []


@needs_build
def test_images_have_alternative_text(pages):
    images = [(path.name, image) for path, page in pages.items() for image in page.images]
    assert len(images) > 20
    # A thumbnail stands above its title; without a text of one's own, Sphinx puts the file's name.
    told = [(name, image) for name, image in images if "_thumb" not in image["src"]]
    assert [(name, image) for name, image in told if not image.get("alt") or image["alt"].endswith(".png")] == []


@needs_build
@pytest.mark.parametrize("script", sorted(DOCS.glob("gallery/*.py")), ids=lambda script: script.stem)
def test_a_gallery_page_shows_a_picture(script, pages):
    page = pages[BUILT / "auto_gallery" / f"{script.stem}.html"]
    assert any(script.stem in image["src"] for image in page.images)


@needs_build
def test_the_notebooks_are_in_the_site(pages):
    notebooks = {path.stem for path in ROOT.glob("notebooks/*.ipynb")}
    assert notebooks == {path.stem for path in pages if path.parent.name == "notebooks"}
