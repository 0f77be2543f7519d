"""Views: lists of arrays that lie inside the flat parameter vector."""

import numpy as np


class Views(list):
    """Views of the flat vector, one per layer; assigning an item writes into the vector.

    Parameters
    ----------
    name : str
        Attribute that the list is read from, for errors.
    arrays : list of ndarray
        Views.

    Examples
    --------
    >>> flat = np.zeros(2)
    >>> views = Views("coefs_", [flat[:1], flat[1:]])
    >>> views[0] = [7.0]
    >>> flat
    array([7., 0.])
    """

    def __init__(self, name, arrays):
        super().__init__(arrays)
        self.name = name

    def __setitem__(self, index, value):
        if isinstance(index, slice):
            values = list(self)
            values[index] = value
            self.replace(values)
        else:
            self._checked(self[index], value)
            self[index][...] = value

    def replace(self, values):
        """Write arrays of the same shapes into the views, all or none.

        Parameters
        ----------
        values : list of array-like
            One per view.
        """
        values = list(values) if np.iterable(values) and not isinstance(values, str) else [values]
        if len(values) != len(self):
            raise ValueError(f"{self.name} needs {len(self)} arrays, one per layer, and got {len(values)}.")
        arrays = [self._checked(view, value) for view, value in zip(self, values, strict=True)]
        for view, array in zip(self, arrays, strict=True):
            view[...] = array

    def _checked(self, view, value):
        try:
            array = np.array(value, dtype=view.dtype)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{self.name} needs arrays of numbers, and got {value!r}.") from error
        if array.shape != view.shape:
            raise ValueError(f"{self.name} needs an array of shape {view.shape} here, and got {array.shape}.")
        if not np.isfinite(array).all():
            raise ValueError(f"{self.name} must be finite, and the array holds NaN or infinity.")
        return array

    def __reduce__(self):
        return list, (list(self),)
