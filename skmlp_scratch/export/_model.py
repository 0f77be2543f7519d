"""What a fitted estimator computes: layers with their arrays, a link, and the meaning of the outputs."""

from dataclasses import dataclass
from functools import singledispatch

import numpy as np

from ..activations import ACTIVATIONS
from ..losses import Adapted, Loss, Smoothed


@dataclass(frozen=True)
class Model:
    """A fitted estimator, ready to be written down.

    Attributes
    ----------
    name : str
        Class of the estimator.
    members : list of list of (Layer, dict of str to ndarray)
        Per network its layers in order, each with its arrays in float32.
    link : str
        Name of the link from raw predictions to predictions, a key of ``LINKS``.
    n_in, n_out : int
        Number of inputs and outputs of each network.
    classes : ndarray or None, default=None
        Labels, in order; None for a regressor.
    is_multilabel : bool, default=False
        Whether a row may have several labels, or none.
    scale, shift : float, ndarray of shape (n_out,) or None, default=None
        What raw predictions are multiplied by, and what is then added, before the link.
    """

    name: str
    members: list
    link: str
    n_in: int
    n_out: int
    classes: np.ndarray | None = None
    is_multilabel: bool = False
    scale: object = None
    shift: object = None

    @property
    def has_single_class(self):
        """Whether there is nothing to tell apart."""
        return self.classes is not None and len(self.classes) == 1 and not self.is_multilabel

    @property
    def labels(self):
        """Labels as they are written down: strings, or whole numbers (also for truth values and floats)."""
        classes = np.asarray(self.classes.tolist())  # the kind of the labels, even where they are Python objects
        if classes.dtype.kind == "S":
            classes = classes.astype(str)
        return classes if classes.dtype.kind == "U" else classes.astype(np.int64)

    @property
    def types(self):
        """Type of each output, and its shape but for the rows: prediction, or label and probabilities."""
        if self.classes is None:
            return [(np.float32, self.n_out)]
        label = object if self.labels.dtype.kind == "U" else np.int64
        return [(label, self.n_out) if self.is_multilabel else (label,), (np.float32, len(self.classes))]


def read(estimator):
    """Read what a fitted estimator computes.

    Parameters
    ----------
    estimator : object
        Fitted estimator of ours.

    Returns
    -------
    model : Model

    Raises
    ------
    ValueError
        If its loss has no known link, or its weights do not fit in float32.
    """
    targets, network = estimator._targets, estimator.network_
    scale, shift = _affine(estimator)
    return Model(
        type(estimator).__name__,
        [_steps(network, params) for params in np.atleast_2d(estimator.params_)],
        link_of(targets.loss),
        network.n_in,
        network.n_out,
        targets.classes,
        targets.classes is not None and targets.is_multilabel,
        scale,
        shift,
    )


def _affine(estimator):
    """Scale and shift of raw predictions: a temperature, or the units of a tabular estimator's targets."""
    temperature = getattr(estimator, "temperature_", 1.0)
    if temperature != 1:
        return temperature, None
    units = getattr(estimator, "_units", None)
    if units is None or units.scale is None:
        return None, None
    return (None, np.log(units.scale)) if units.loss.link == "log" else (units.scale, units.shift)


@singledispatch
def link_of(loss):
    """Return the name of a loss's link.

    Parameters
    ----------
    loss : Loss
        Loss of a fitted estimator.

    Returns
    -------
    name : str
        A key of ``LINKS``.

    Raises
    ------
    ValueError
        If its ``inverse_link`` is custom.
    """
    raise ValueError(
        f"loss={loss!r} cannot be exported: what its inverse_link computes is known only to Python. Use a loss with a "
        "named link, such as SquaredError(link='logistic')."
    )


@link_of.register
def _(loss: Loss):
    if type(loss).inverse_link is not Loss.inverse_link:
        return link_of.dispatch(object)(loss)
    return loss.link


@link_of.register
def _(loss: Adapted | Smoothed):
    return link_of(loss.loss)


def rule_for(layer, rules):
    """Return the rule that writes a layer down.

    Parameters
    ----------
    layer : Layer
        Layer of a network.
    rules : function of functools.singledispatch
        Rules by type of layer.

    Returns
    -------
    rule : callable

    Raises
    ------
    ValueError
        If there is none for exactly this type: a subclass may compute something else.
    """
    if type(layer) not in rules.registry:
        raise ValueError(f"{layer!r} cannot be exported: there is no rule for a layer of type {type(layer).__name__}.")
    return rules.dispatch(type(layer))


def rule_of(activation, rules):
    """Return the rule that writes an activation down.

    Parameters
    ----------
    activation : callable
        Function of an ``Activation`` layer.
    rules : dict
        Rules by function.

    Returns
    -------
    rule : object

    Raises
    ------
    ValueError
        If there is none, as for a custom function.
    """
    for function, rule in rules.items():
        if function is activation:
            return rule
    names = [name for name, function in ACTIVATIONS.items() if function is activation]
    name = [*names, getattr(activation, "__name__", activation)][0]
    raise ValueError(f"activation={name!r} cannot be exported: what it computes is known only to Python.")


def _steps(network, params):
    with np.errstate(over="ignore"):
        params = params.astype(np.float32)
    if not np.isfinite(params).all():
        raise ValueError("params_ holds numbers too large for float32: scale X and y, and fit again.")
    return list(zip(network.layers, network.unflatten(params), strict=True))
