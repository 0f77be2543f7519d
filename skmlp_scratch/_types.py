"""Types of what is passed in, for annotations."""

from typing import Any, Protocol, TypeAlias

from numpy.typing import ArrayLike


class Shaped(Protocol):
    """What is no array but has rows and columns: a sparse matrix, a data frame."""

    @property
    def shape(self) -> tuple[Any, ...]:
        """Number of rows and columns."""


Inputs: TypeAlias = ArrayLike | Shaped
