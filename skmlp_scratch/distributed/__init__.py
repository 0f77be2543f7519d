"""Distributed: training beyond one machine, on Dask.

The rows stay where they are, in shards on the workers; parameters go there and gradients come back, which is all that
the network carries. So whatever minimizes an objective trains on a cluster, too:

>>> import numpy as np
>>> from skmlp_scratch.distributed import Shard
>>> from skmlp_scratch.layers import Dense
>>> from skmlp_scratch.network import Network
>>> Shard(Network([Dense(1, 1)]), "squared_error", np.ones((2, 1)), np.ones(2)).sums(np.zeros(2))
(1.0, array([-2., -2.]))

:class:`DaskScratchMLPClassifier` and :class:`DaskScratchMLPRegressor` take dask arrays and frames;
:class:`DistributedObjective` is the function that they minimize.
"""

from ..shards import Shard

try:
    from ._estimators import DaskScratchMLPClassifier, DaskScratchMLPRegressor
    from ._objective import DistributedObjective
except ModuleNotFoundError as error:
    raise ImportError(f'skmlp_scratch.distributed needs Dask ({error}): pip install "skmlp_scratch[dask]".') from error

__all__ = ["DaskScratchMLPClassifier", "DaskScratchMLPRegressor", "DistributedObjective", "Shard"]
