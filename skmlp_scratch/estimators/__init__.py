"""The estimators: scikit-learn's interface around network, objective and solver.

``fit`` validates the data, plans a network and a solver from the parameters, and has the solver minimize the objective
while a monitor watches. Every fitted attribute is derived from the resulting vector. Each file answers one question;
they stand here in the order in which ``fit`` asks.

What the user sees:

- ``classifier``, ``regressor``: parameters, defaults, and methods that predict.
- ``_base``: ``fit`` from beginning to end, for both.
- ``_docs``: the text on each parameter and attribute.

The parameters:

- ``_constraints``: the values that each parameter may have by itself.
- ``_together``: which parameters go together, have no effect, or may change between fits.
- ``_plan``: the network, the initial weights and the solver that they describe.

The data:

- ``_rows``: validation of X, y and weights; :class:`Rows`, which training takes, and how rows are held out.
- ``_text``: text and dates among the numbers.
- ``_split``: which rows are the validation set: given, held out, or none.
- ``_class_targets``, ``_number_targets``: the encoding of y, and the way back.
- ``_loss``: the choice of the loss.
- ``_label_checks``: what is refused as a label, and the arguments ``classes`` and ``class_weight``.

The training:

- ``_run``: one training run; the stopping rule of ``early_stopping`` and the guard against divergence are set up here,
  and live in ``..stopping``.
- ``_validation``: loss and score of the validation set after each epoch, and the temperature, found by
  ``..calibration``.
- ``_callbacks``: scikit-learn's callbacks; what else happens after each epoch is in ``..history``.
- ``_troubles``: warnings about a finished run.

After training:

- ``_fitted_state``: fitted attributes, and raw predictions, which the temperature multiplies here.
- ``_views``: ``coefs_`` and ``intercepts_`` as views of the flat vector.
- ``_probabilities``: from logits to probabilities that keep their order.
- ``_carry``: the warm-start state, from which ``warm_start`` and ``partial_fit`` continue.
- ``_atomic``: a failed fit changes nothing; a pickle knows its version.

Out of core:

- ``_chunks``: ``fit_chunks``, and rows that are read again in each pass.
- ``_chunk_survey``: validation of each chunk, and what must be known of all before training.
- ``_chunk_rows``: rows of a chunk, counted, held out and concatenated.
"""

from .classifier import ScratchMLPClassifier
from .regressor import ScratchMLPRegressor

__all__ = ["ScratchMLPClassifier", "ScratchMLPRegressor"]
