"""Docs: each parameter and attribute that the estimators share, written once."""

import dataclasses

PARAMETERS = {
    "hidden_layer_sizes": """int or sequence of int, default=(100,)
        Number of units of each hidden layer; ``()`` for none, which makes a linear model.""",
    "activation": """str, callable or sequence of these, default="relu"
        Activation of the hidden layers: a key of ``skmlp_scratch.activations.ACTIVATIONS``, a function
        ``z -> (a, backward)``, or a sequence with one of these per hidden layer.""",
    "solver": """str or object, default="adam"
        Solver: ``"gd"`` (full batch), ``"sgd"``, ``"adagrad"``, ``"rmsprop"``, ``"adam"`` and ``"adamw"`` are gradient
        descent; ``"bfgs"``, ``"lbfgs"`` and ``"cg"`` are scipy's. They are configured by the parameters below; one that
        does not apply is named in a warning. An object with ``minimize``, such as ``GradientDescent`` or
        ``ScipyMinimize``, carries its own settings, including ``max_iter`` and ``tol``; apart from early stopping, the
        parameters below do not apply to it. Only objects have a moving average of the parameters and a decay of the
        weights alone: ``GradientDescent(AdamW(decayed="weights"), ema=0.995)``. "adamw" decays all parameters by 0.01
        in addition to ``alpha``.""",
    "alpha": """float, default=0.0001
        Penalty strength. The penalty is divided by the total sample weight and does not depend on the batch size.""",
    "batch_size": """int or "auto", default="auto"
        Number of rows per minibatch; "auto" is ``min(200, n_samples)``. Not used by "gd" and scipy's methods.""",
    "learning_rate": """str or callable, default="constant"
        Learning-rate schedule of every gradient-descent solver: ``"constant"``; ``"invscaling"``,
        ``learning_rate_init / (t + 1)**power_t`` after t training samples; ``"adaptive"``, divided by 5 after every
        ``n_iter_no_change + 1`` epochs without progress; ``"time_decay"``, ``"step"`` and ``"exponential"`` with
        ``decay``; ``"cosine"``, to 0 over ``max_iter`` (warm starts: over the epochs so far and ``max_iter`` more;
        partial_fit: over ``max_iter`` calls); ``"flat_cosine"``, constant for the first half of these epochs, then half
        a cosine to 0, step by step; or a schedule ``(epoch, losses) -> learning rate``.""",
    "learning_rate_init": """float, default=0.001
        Learning rate of the first epoch.""",
    "power_t": """float, default=0.5
        Exponent of "invscaling".""",
    "max_iter": """int, default=200
        Maximum number of epochs per call of fit, or of iterations of scipy's methods. An epoch is one pass over the
        training rows; each call of partial_fit is one.""",
    "shuffle": """bool, default=True
        Whether to draw the minibatches in a new order in each epoch.""",
    "random_state": """int, RandomState instance or None, default=None
        Source of the initial weights, the validation split, the order of minibatches and dropout, drawn in this
        order.""",
    "tol": """float, default=1e-4
        Smallest improvement of the loss, or with early stopping of the validation score, that counts; for scipy's
        methods also the largest gradient entry that counts as zero. It is absolute: scale y.""",
    "verbose": """bool or int, default=False
        Whether to print each epoch.""",
    "warm_start": """bool, default=False
        Whether fit continues the last one: parameters, optimizer, schedule, random state and validation split are kept,
        so that 5 + 5 epochs of gradient descent equal 10, except with "step", "cosine" and "flat_cosine", which
        depend on ``max_iter``. It starts from ``params_`` as they are, edited ones too. The stopping rule starts
        afresh; on the same validation rows the best weights of all calls are kept. ``loss_curve_`` and ``history_`` go
        on, ``n_iter_`` counts the last call. ``alpha``, ``dropout`` and the solver may change, the network may not.""",
    "momentum": """float, default=0.9
        Momentum of "gd" and "sgd".""",
    "nesterovs_momentum": """bool, default=True
        Whether to use Nesterov's momentum.""",
    "early_stopping": """bool, default=False
        Whether to hold out rows, stop when the score on them stalls, and return the best weights. Works with every
        solver. Two classes are split in their proportions; for more, as in scikit-learn, the split is plain, unless
        that would leave a class out of either side. ``X_val`` given to fit takes the place of the split.""",
    "validation_fraction": """float, default=0.1
        Share of the rows to hold out.""",
    "beta_1": """float, default=0.9
        Decay rate of the first moment estimate of "adam" and "adamw".""",
    "beta_2": """float, default=0.999
        Decay rate of the second moment estimate of "adam" and "adamw".""",
    "epsilon": """float, default=1e-8
        Term that keeps the quotients of "adam", "adamw", "adagrad" and "rmsprop" finite.""",
    "n_iter_no_change": """int or inf, default=10
        Number of consecutive epochs without improvement to tolerate; as in scikit-learn, training stops after one
        more.""",
    "max_fun": """int, default=15000
        Maximum number of evaluations of the objective by "lbfgs".""",
    "l1_ratio": """float, default=0.0
        Share of L1 in the penalty. Gradient descent then gives exact zeros; scipy's methods only small weights.""",
    "dropout": """float or sequence of float, default=0.0
        Drop probability of every hidden layer, or a sequence with one per layer. Not available with scipy's
        methods.""",
    "input_dropout": """float, default=0.0
        Drop probability of the inputs. Not available with scipy's methods.""",
    "normalization": """{None, "batch", "layer"}, default=None
        Normalization before each hidden activation.""",
    "init": """str or callable, default="auto"
        Initializer: ``"auto"`` draws the initial weights exactly as scikit-learn does; or a key of
        ``skmlp_scratch.initializers.INITIALIZERS``; or a function ``(rng, n_in, n_out) -> (W, b)``.""",
    "decay": """float, default=0.0
        Decay of the schedules "time_decay", divided by ``1 + decay * epoch``; "exponential", times ``1 - decay`` per
        epoch; and "step", times ``1 - decay`` at every tenth of ``max_iter``. 0 leaves them constant.""",
    "class_weight": """dict, list of dict, "balanced" or None, default=None
        Weights of the classes, multiplied into ``sample_weight``; for multilabel targets a list with one dict per
        label. They count in the score on a split, too, but not on ``X_val``, whose rows have weights of their own.
        "balanced" is not available with partial_fit.""",
    "label_smoothing": """float, default=0.0
        Share of each target that is spread over all classes: y (1 - e) + e / K.""",
    "clip_norm": """float or None, default=None
        Maximum gradient norm of the gradient-descent solvers; larger gradients are rescaled to it.""",
    "scoring": """str, callable or None, default=None
        Validation score: None is {score}, ``"loss"`` minus the loss, else a scikit-learn scorer.""",
}

ATTRIBUTES = """params_ : ndarray of shape (n_params,)
        All parameters as one flat vector; ``coefs_`` and ``intercepts_`` are views of it.
    network_ : Network
        Description of the network.
    coefs_ : list of ndarray of shape (n_in, n_out)
        Weights of each layer. They can be set, ``clf.coefs_ = arrays``, and assigned, ``clf.coefs_[0] = W``.
    intercepts_ : list of ndarray of shape (n_out,)
        Biases of each layer, likewise.
    history_ : dict of list
        ``epoch``, ``loss``, ``val_loss``, ``val_score``, ``learning_rate``, ``grad_norm``, ``seconds``: one entry per
        epoch (scipy: iteration), nan where nothing was measured. ``val_loss`` is without penalty. ``seconds`` are not
        saved with the model.
    loss_curve_ : list of float
        ``history_["loss"]``: for a full batch before the update, for minibatches the mean over the epoch, for scipy's
        methods after the iteration.
    loss_ : float
        The last loss, penalty included.
    best_loss_ : float or None
        The smallest loss; None with early stopping.
    validation_scores_ : list of float or None
        ``history_["val_score"]`` where a validation set was measured.
    best_validation_score_ : float or None
        Score of the weights that early stopping returned.
    n_iter_ : int
        Number of epochs of the last call of fit or partial_fit.
    t_ : int
        Number of training samples seen, over all calls.
    n_layers_ : int
        Number of layers, input, normalization and output included.
    n_outputs_ : int
        Number of outputs.
    out_activation_ : str
        Name of the output activation.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, where X has names that are strings."""


def documented(*, score="", shared=PARAMETERS, attributes=ATTRIBUTES, **own):
    """Complete the docstring of an estimator: its parameters in the order of the signature, and the attributes.

    Parameters
    ----------
    score : str, default=""
        The default validation score.
    shared : dict of str, default=PARAMETERS
        Type and text of the parameters that several estimators share.
    attributes : str, default=ATTRIBUTES
        The attributes.
    **own : str
        Type and text of the parameters that the estimators do not share.

    Returns
    -------
    decorate : callable
        A class decorator.
    """

    def decorate(cls):
        texts = shared | own
        entries = [f"{field.name} : {texts[field.name]}" for field in dataclasses.fields(cls)]
        parameters = "\n    ".join(entries).replace("{score}", score)
        if cls.__doc__:  # none with python -OO
            cls.__doc__ = cls.__doc__.replace("{parameters}", parameters).replace("{attributes}", attributes)
        return cls

    return decorate
