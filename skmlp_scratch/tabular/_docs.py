"""Docs: each parameter and attribute that the tabular estimators share, written once."""

from functools import partial

from ..estimators import _docs

PARAMETERS = {
    "hidden_layer_sizes": """int or sequence of int, default=(128, 128, 128)
        Number of units of each hidden layer.""",
    "activation": """str, callable or sequence of these, default="silu"
        Activation of the hidden layers: a key of ``skmlp_scratch.activations.ACTIVATIONS``, a function
        ``z -> (a, backward)``, or a sequence with one of these per hidden layer.""",
    "n_members": """int, default=4
        Number of networks. One costs a quarter of four, and is a little worse.""",
    "n_folds": """int, default=8
        Number of parts into which the rows are split, each class in its proportion. The m-th member leaves out the
        m-th part, by which it is judged. There are at most as many parts as rows.""",
    "max_iter": """int or "auto", default="auto"
        Number of epochs (passes over the rows). Training always runs to its end, where the learning rate is 0, and the
        best epoch is kept. "auto" is 60 up to 40 000 rows; beyond, the number of steps grows with the square root
        of the rows.""",
    "batch_size": """int, default=128
        Number of rows per minibatch.""",
    "learning_rate_init": """float, default=3e-3
        Learning rate: constant for the first half of the steps, then half a cosine to 0.""",
    "weight_decay": """float, default=0.1
        Decay of the weights, times the learning rate, per step; biases and input scales do not decay.""",
    "ema": """float, default=0.995
        Decay per step of the moving average of the parameters, which is what is judged and used; 0 for the parameters
        themselves.""",
    "n_bins": """int, default=16
        Maximum number of bins per column of numbers in their piecewise-linear code; 0 for no code.""",
    "categorical_features": """"from_dtype", array-like of str, int or bool, or None, default="from_dtype"
        Columns that hold categories: ``"from_dtype"``, those of a frame whose type says so, and columns of strings;
        names, indices or a mask, these columns whatever their type; None, only columns of strings.""",
    "n_jobs": """int or None, default=None
        Number of threads in which the members are trained, as in joblib. The result does not depend on it.""",
    "random_state": """int, RandomState instance or None, default=None
        Source of the folds, the initial weights and the order of the rows.""",
    "verbose": """bool or int, default=False
        Whether to print each epoch.""",
}

ATTRIBUTES = """encoder_ : TableEncoder
        Encoder of the table; ``encoder_.columns_`` says what became of each column.
    members_ : list of estimators
        The networks one by one, as estimators with a single member.
    n_iter_ : int
        The epoch, from 1, after which the members' moving averages were best together, and are used; 0 where training
        was interrupted before the first one ended.
    history_ : dict of list
        ``epoch``, ``loss`` (mean of the members), ``val_score``, ``learning_rate``, ``seconds``: one entry per epoch.
        ``seconds`` are not saved with the model.
    validation_scores_ : list of float
        ``history_["val_score"]``: joint score of the members' moving averages on the rows that each has left out. For
        classes it is minus the log loss with the best temperature, for numbers the share of the loss of the best
        constant that is explained: R² for the squared error. For a custom loss it is minus the loss.
    best_validation_score_ : float
        The score after epoch ``n_iter_``.
    params_ : ndarray of shape (n_members, n_params)
        The moving averages of all parameters, one row per member.
    network_ : Network
        Description of each member's network.
    n_outputs_ : int
        Number of outputs.
    n_features_in_ : int
        Number of columns of the table.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, where the table has names that are strings."""

documented = partial(_docs.documented, shared=PARAMETERS, attributes=ATTRIBUTES)
