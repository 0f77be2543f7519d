"""Lists of numbers that pickle as the bytes of an array."""

import numpy as np


class Column(list):
    """A list of floats that pickles small: 8 bytes per entry.

    Examples
    --------
    >>> import pickle
    >>> pickle.loads(pickle.dumps(Column([0.5, 0.25])))
    [0.5, 0.25]
    """

    dtype = "<f8"

    def __reduce_ex__(self, protocol):
        return _restore, (type(self), np.array(self, dtype=self.dtype).tobytes())

    def __copy__(self):
        return type(self)(self)

    def __deepcopy__(self, memo):
        return type(self)(self)


class Integers(Column):
    """A list of whole numbers that pickles as :class:`Column`.

    Examples
    --------
    >>> import pickle
    >>> pickle.loads(pickle.dumps(Integers([1, 2])))
    [1, 2]
    """

    dtype = "<i8"


def _restore(column, data):
    return column(np.frombuffer(data, dtype=column.dtype).tolist())
