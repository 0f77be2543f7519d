"""Warnings at the user's line, however many frames of libraries lie between."""

import sys
import warnings

# What calls us on the user's behalf: pipelines and searches, their threads, and what loads saved models.
LIBRARIES = {"skmlp_scratch", "sklearn", "joblib", "skops", "numpy", "threading", "concurrent"}


def warn_user(text, category):
    """Give a warning at the innermost line that is none of these libraries'.

    Parameters
    ----------
    text : str
        The warning.
    category : type
        Its class.
    """
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in LIBRARIES:
        frame, level = frame.f_back, level + 1
    warnings.warn(text, category, stacklevel=level)
