"""The page of sockets says what the package's own objects are."""

import numpy as np
import pytest
from problems import name_of

from skmlp_scratch import sockets
from skmlp_scratch.activations import ACTIVATIONS
from skmlp_scratch.history import Monitor
from skmlp_scratch.layers import Dense, Layer
from skmlp_scratch.losses import LOSSES, as_loss
from skmlp_scratch.network import Network
from skmlp_scratch.objective import Objective
from skmlp_scratch.optimizers import OPTIMIZERS
from skmlp_scratch.schedules import SCHEDULES
from skmlp_scratch.solvers import GradientDescent, ScipyMinimize

MEMBERS = [
    *[(sockets.Activation, activation) for activation in ACTIVATIONS.values()],
    *[(sockets.Loss, as_loss(name, 1)) for name in LOSSES],
    *[(sockets.Optimizer, optimizer()) for optimizer in OPTIMIZERS.values()],
    *[(sockets.Schedule, schedule()) for schedule in SCHEDULES.values()],
    (sockets.Solver, GradientDescent()),
    (sockets.Solver, ScipyMinimize()),
    (sockets.Callback, Monitor(None)),
    (sockets.Objective, Objective(Network([Dense(1, 1)]), "squared_error", np.ones((2, 1)), np.ones(2))),
]


@pytest.mark.parametrize("socket, member", MEMBERS, ids=name_of)
def test_the_packages_own_objects_fit(socket, member):
    assert isinstance(member, socket)


@pytest.mark.parametrize("socket", sorted({socket for socket, _ in MEMBERS}, key=repr), ids=repr)
def test_anything_does_not_fit(socket):
    assert not isinstance(object(), socket)


def test_the_layer_socket_names_what_the_base_class_has():
    assert all(hasattr(Layer, name) for name in sockets.Layer.__annotations__)
    assert {"init", "forward", "predict"} <= set(dir(Layer))
