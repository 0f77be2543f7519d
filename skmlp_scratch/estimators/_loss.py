"""Loss: the choice of the loss, by its name or as an object, and of the number of network outputs that it needs."""

from ..losses import LOSSES, as_loss
from ._plan import configured


def loss_of_labels(flat, n_classes, is_multilabel):
    """Choose the loss of a classifier.

    Parameters
    ----------
    flat : dict
        The estimator's parameters.
    n_classes : int
        Classes, or labels of which a row may have several.
    is_multilabel : bool
        Whether a row may have several labels, or none.

    Returns
    -------
    loss : Loss
    n_columns : int
        Outputs of the network.

    Raises
    ------
    ValueError
        If the loss gives no probabilities of these labels.
    """
    single = is_multilabel or n_classes <= 2
    given = flat["loss"]
    if given == "binary_cross_entropy" and not single:
        raise ValueError(
            "Only binary classification is supported. The type of the target is multiclass: use loss='log_loss' "
            "instead of 'binary_cross_entropy'."
        )
    loss = given
    if isinstance(given, str) and given != "log_loss":
        loss = configured(LOSSES[given], flat | {"link": "logistic" if single else "softmax"})
    loss = as_loss(loss, 1 if single else n_classes)
    links = ["logistic"] if is_multilabel else ["softmax"] if n_classes > 2 else ["logistic", "softmax"]
    if loss.out_activation not in [*links, "custom"]:
        raise ValueError(
            f"loss={given!r} gives no probabilities of {n_classes} {'labels' if is_multilabel else 'classes'}: its "
            f"output is {loss.out_activation}, and must be {' or '.join(links)}."
        )
    if is_multilabel or n_classes > 2:
        return loss, n_classes
    return loss, 2 if n_classes == 2 and loss.out_activation == "softmax" else 1


def loss_of_numbers(flat, n_columns):
    """Choose the loss of a regressor with this many columns of targets."""
    loss = flat["loss"]
    return as_loss(configured(LOSSES[loss], flat) if isinstance(loss, str) else loss, n_columns)
