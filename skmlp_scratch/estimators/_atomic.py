"""Atomic: an estimator changes in one place, at the end of a fit, and a pickle knows its version."""

from .._version import __version__
from .._warnings import warn_user


class Versioned:
    """Mixin of all that is fitted: a pickle knows its version."""

    def __getstate__(self):
        return super().__getstate__() | {"_skmlp_scratch_version": __version__}

    def __setstate__(self, state):
        state = dict(state)
        version = state.pop("_skmlp_scratch_version", "of no version")
        if version != __version__:
            warn_user(
                f"This {type(self).__name__} was saved by skmlp_scratch {version} and is loaded by {__version__}: "
                "check its predictions, or fit it again.",
                UserWarning,
            )
        super().__setstate__(state)


class Atomic(Versioned):
    """Mixin of the estimators: a fit fills a successor, which the estimator becomes once nothing can go wrong."""

    def _copy(self):
        """Return an estimator with the same attributes, itself unchanged by what happens to this one."""
        model = object.__new__(type(self))
        vars(model).update(vars(self))
        return model

    def _become(self, successor, notes, callbacks):
        """Give the warnings, at the user's line; then take over all that a fit has found, at once."""
        for text, category in dict.fromkeys(notes):  # one that was made an error leaves the estimator as it was
            warn_user(text, category)
        before = vars(self).keys() - vars(successor).keys()
        vars(self).update(vars(successor))
        for name in before:
            delattr(self, name)
        if callbacks:
            callbacks.end()
        return self
