"""Callbacks: scikit-learn's callbacks, told of each epoch."""

from .._sklearn import open_callbacks


class EpochCallbacks:
    """A fit's callback context with one subcontext per epoch.

    Parameters
    ----------
    context : object
        Root context of the fit.
    data : dict
        What scikit-learn's hooks are given of the fit.

    Attributes
    ----------
    attributes : callable
        ``params -> dict`` of the fitted attributes; set before the first epoch.
    """

    def __init__(self, context, data):
        self.context, self.data, self.attributes = context, data, None
        context.call_on_fit_task_begin(**data)

    @classmethod
    def of(cls, estimator, X, y, sample_weight, n_epochs):
        """Open the context of an estimator's callbacks; None where it has none."""
        context = open_callbacks(estimator, n_epochs)
        if context is None:
            return None
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        return cls(context, {"estimator": estimator, "X": X, "y": y, "metadata": metadata})

    def __call__(self, params):
        """Tell of a finished epoch; return whether to stop."""
        task = self.context.subcontext(task_name="epoch")
        task.call_on_fit_task_begin(**self.data)
        return task.call_on_fit_task_end(**self.data, reconstruction_attributes=lambda: self.attributes(params))

    def end(self):
        """Tell of the end of the fit."""
        self.context.call_on_fit_task_end(**self.data, reconstruction_attributes={})
