"""What the displays share: colors and markers, panels, text that fits, and the networks inside what is passed."""

import re

import numpy as np
from sklearn.utils.validation import check_is_fitted

# The sequence of ten of https://arxiv.org/abs/2107.02270, with red, the strongest contrast to blue, as the second.
COLORS = ("#3f90da", "#bd1f01", "#ffa90e", "#832db6", "#94a4a2", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd")
# Eleven, so that color and marker return together only after 110.
MARKERS = "osD^vPX<>*d"
# Of the default font, on average; room is reserved by it, as a text's true width is known only when it is drawn.
CHARS_PER_INCH = 12


class Display:
    """Base class of the displays."""

    def _open(self, ax, n_panels, n_cols, size, optional=False):
        """Set the axes: those given, or n_panels in a new figure; size is that of one panel in inches.

        Optional panels, all but the first, are left out if a single axes is given.
        """
        plt = pyplot_for(type(self).__name__)
        if ax is None:
            n_rows = -(-n_panels // n_cols)
            figure = plt.figure(figsize=(size[0] * n_cols, size[1] * n_rows), layout="constrained")
            ax = [figure.add_subplot(n_rows, n_cols, i + 1) for i in range(n_panels)]
        self.axes_ = np.ravel(ax)
        if len(self.axes_) != n_panels and not (optional and isinstance(ax, plt.Axes)):
            raise ValueError(f"ax holds {len(self.axes_)} axes, but there are {n_panels} panels to draw.")
        self.ax_ = self.axes_[0]
        self.figure_ = self.ax_.figure

    def _legend(self, handles, outside):
        """Put the legend below all panels, in as many columns as fit, or inside the last panel."""
        n_chars = room((self.figure_ if outside else self.axes_[-1]).bbox.width, self.figure_)
        # A handle and the gaps take the room of 8.
        labels = [wrap(handle.get_label(), n_chars - 8, 2) for handle in handles]
        if not outside:
            return self.axes_[-1].legend(handles, labels, fontsize="small")
        lines = [line for label in labels for line in label.split("\n")]
        n_cols = max(1, min(n_chars // (max(map(len, lines)) + 8), len(handles)))
        self.figure_.set_figheight(self.figure_.get_figheight() + 0.2 * -(-len(lines) // n_cols))
        return self.figure_.legend(handles, labels, loc="outside lower center", frameon=False, ncols=n_cols)


def pyplot_for(name):
    """Return matplotlib's pyplot, which what has this name draws with."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(f'{name} requires matplotlib: pip install "skmlp_scratch[plot]"') from error
    return plt


def set_title(panel, text):
    """Set a panel's title, wrapped and shortened to what fits."""
    # A title may reach into the gaps between the panels, which are a fifth of their width.
    panel.set_title(wrap(text, room(1.2 * panel.bbox.width, panel.figure), 4), fontsize="medium")


def room(pixels, figure):
    """Return how many characters fit into a length."""
    return int(CHARS_PER_INCH * pixels / figure.dpi)


def wrap(text, n_chars, max_lines):
    """Break the text's lines at n_chars; what does not fit into max_lines is left out."""
    if "$" in str(text):  # a formula would fall apart
        return text
    n_chars = max(n_chars, 8)
    # Up to an opening parenthesis, a space or the end, so that an object's repr breaks after its name; else anywhere.
    piece = re.compile(rf"\S.{{0,{n_chars - 1}}}(?:(?<=\()|(?=\s)|$)|\S{{{n_chars}}}")
    lines = [found.rstrip() for line in str(text).expandtabs().splitlines() for found in piece.findall(line)]
    if len(lines) > max_lines:
        lines[max_lines - 1 :] = [lines[max_lines - 1][: n_chars - 1] + "…"]
    return "\n".join(lines)


def styles(n):
    """Return n pairs of color and marker."""
    return [(COLORS[i % len(COLORS)], MARKERS[i % len(MARKERS)]) for i in range(n)]


def unwrap(estimator, X=None, y=None):
    """Return the fitted network inside a pipeline, a search or a target transformer, and X and y as they reach it."""
    if hasattr(estimator, "best_estimator_"):
        return unwrap(estimator.best_estimator_, X, y)
    if hasattr(estimator, "steps"):
        before, (_, last) = estimator[:-1], estimator.steps[-1]
        return unwrap(last, before.transform(X) if len(before) and X is not None else X, y)
    if hasattr(estimator, "regressor_"):
        columns = None if y is None else np.reshape(y, (len(y), -1))
        scaled = None if y is None else np.reshape(estimator.transformer_.transform(columns), np.shape(y))
        return unwrap(estimator.regressor_, X, scaled)
    check_is_fitted(estimator)
    return estimator, X, y


def as_lists(estimators, names):
    """Return a list of the estimators, the networks inside them, and a name for each."""
    estimators = list(estimators) if isinstance(estimators, list | tuple) else [estimators]
    networks = [unwrap(estimator)[0] for estimator in estimators]
    if names is None:
        names = [_default_name(network, networks) for network in networks]
    names = [names] if isinstance(names, str) else list(names)
    if len(names) != len(estimators):
        raise ValueError(f"names has {len(names)} entries for {len(estimators)} estimators.")
    return estimators, networks, names


def _default_name(network, networks):
    """Return the class name, or the parameters in which the network differs from the others of its class."""
    alike = [other.get_params(deep=False) for other in networks if type(other) is type(network)]
    params = network.get_params(deep=False)
    differing = [f"{key}={value}" for key, value in params.items() if len({repr(p[key]) for p in alike}) > 1]
    # Solvers with many parameters print as several lines, and searches draw numbers with 16 digits.
    name = " ".join(", ".join(differing).split())
    return re.sub(r"\d+\.\d+(e-?\d+)?", lambda number: f"{float(number[0]):.3g}", name) or type(network).__name__
