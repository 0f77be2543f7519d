"""Sphinx's configuration of the documentation site: python -m sphinx -W docs docs/_build."""

import re
import shutil
import warnings
from pathlib import Path

from docutils import nodes
from sklearn.exceptions import ConvergenceWarning

from skmlp_scratch import __version__

DOCS = Path(__file__).parent
REPOSITORY = "https://github.com/skmlp-scratch/skmlp_scratch"

project = "skmlp_scratch"
author = "skmlp_scratch developers"
copyright = author
version = release = __version__
html_baseurl = "https://skmlp-scratch.github.io/skmlp_scratch/"

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = [
    "_build",
    "gallery",
    "auto_gallery/*.ipynb",
    "auto_gallery/*.py",
    "auto_gallery/*.json",
    "auto_gallery/*.md5",
    "**/sg_execution_times.rst",
]
templates_path = ["_templates"]

# Pages and notebooks, which keep the output that they are committed with.
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"

# API pages: autosummary lists the members, not numpydoc.
numpydoc_show_class_members = False
autodoc_typehints = "none"  # the docstrings say more
toc_object_entries_show_parents = "hide"
autodoc_member_order = "bysource"
python_maximum_signature_line_length = 100

# The build runs each script, and ends at the first that fails. Many train for a fixed number of epochs.
warnings.filterwarnings("ignore", category=ConvergenceWarning)
sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "auto_gallery",
    "filename_pattern": r"\.py$",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "capture_repr": (),
    "backreferences_dir": "api/backreferences",
    "doc_module": ("skmlp_scratch",),
    "download_all_examples": False,
    "show_memory": False,
    "write_computation_times": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "skmlp_scratch"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_sidebars = {"**": ["sections"]}
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "github_url": REPOSITORY,
    "navbar_center": [],
    "collapse_navigation": True,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
}


def link_beyond_docs(app, docname, source):
    """Lead relative links out of this folder, which work in the repository, to the repository."""
    source[0] = re.sub(r"\]\(\.\./(?=\w)", f"]({REPOSITORY}/blob/main/", source[0])


def without_references(app, what, name, obj, options, lines):
    """Show references to scikit-learn's guide, in docstrings inherited from there, as text."""
    lines[:] = [re.sub(r":ref:`([^<`]*?)(\s*<[^`]*>)?`", r"\1", line) for line in lines]


def describe_pictures(app, doctree):
    """Give each picture without alternative text, as those of the notebooks, the title of its section."""
    for image in doctree.findall(nodes.image):
        if not image.get("alt"):
            section = image
            while not isinstance(section, nodes.section):
                section = section.parent
            image["alt"] = section.next_node(nodes.title).astext()


def setup(app):
    """Bring the notebooks into the folder that Sphinx reads."""
    shutil.copytree(DOCS.parent / "notebooks", DOCS / "notebooks", dirs_exist_ok=True)
    app.connect("source-read", link_beyond_docs)
    app.connect("doctree-read", describe_pictures)
    app.connect("autodoc-process-docstring", without_references)
