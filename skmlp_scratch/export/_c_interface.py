"""The functions that a C program calls, and the text around them."""

import numpy as np


def number(value):
    """Write a number as a constant of type float.

    Parameters
    ----------
    value : float
        Number.

    Returns
    -------
    text : str

    Examples
    --------
    >>> number(1), number(1e-10)
    ('1.0f', '1e-10f')
    """
    return f"{np.float32(value)!s}f"


def loop(n, *statements):
    """Write a loop over ``i``.

    Parameters
    ----------
    n : int
        Number of rounds.
    *statements : str
        What to do in each.

    Returns
    -------
    text : str

    Examples
    --------
    >>> print(loop(3, "y[i] = 0.0f;"))
    for (int i = 0; i < 3; i++) {
        y[i] = 0.0f;
    }
    """
    return "\n".join([f"for (int i = 0; i < {n}; i++) {{", *_indented(statements), "}"])


def function(signature, statements):
    """Write a function.

    Parameters
    ----------
    signature : str
        Type, name and arguments.
    statements : list of str
        Its body.

    Returns
    -------
    text : str

    Examples
    --------
    >>> print(function("int zero(void)", ["return 0;"]))
    int zero(void)
    {
        return 0;
    }
    """
    return "\n".join([signature, "{", *_indented(statements), "}"])


def _indented(statements):
    return [f"    {line}" for statement in statements for line in statement.splitlines()]


def functions(model):
    """Write the functions that a program calls.

    Parameters
    ----------
    model : Model
        What they compute.

    Returns
    -------
    functions : list of (str, str, list of str)
        Per function its signature, what it does, and its statements.
    """
    n = model.n_out
    if model.classes is None:
        returned = f"Put the prediction for x[{model.n_in}] into y[{n}]."
        return [("void predict(const float *x, float *y)", returned, ["network(x, y);", *_link(model)])]
    signature, returned, found = _predict(model)
    label = signature, returned, [f"float raw[{n}];", "network(x, raw);", *found]
    signature = "void predict_proba(const float *x, float *y)"
    if n == 1 and not model.is_multilabel:
        both = [
            "float raw[1];",
            "network(x, raw);",
            f"y[0] = {_logistic('-raw[0]')};",
            f"y[1] = {_logistic('raw[0]')};",
        ]
        return [label, (signature, "Put the probabilities of the two classes into y[2].", both)]
    what = "labels" if model.is_multilabel else "classes"
    return [label, (signature, f"Put the probabilities of the {what} into y[{n}].", ["network(x, y);", *_link(model)])]


def _predict(model):
    """Signature, description and end of the function that predicts a label."""
    n = model.n_out
    if model.is_multilabel:
        returned = f"Put 1 into y[{n}] for each label of x[{model.n_in}], 0 for the others."
        return "void predict(const float *x, int *y)", returned, [loop(n, "y[i] = raw[i] > 0.0f;")]
    returned = f"Return the index, in classes[], of the class of x[{model.n_in}]."
    if n == 1:
        return "int predict(const float *x)", returned, ["return raw[0] > 0.0f;"]
    largest = ["int best = 0;", loop(n, "best = raw[i] > raw[best] ? i : best;"), "return best;"]
    return "int predict(const float *x)", returned, largest


def _logistic(z):
    return f"1.0f / (1.0f + expf(-({z})))"


def _link(model):
    """Statements that turn the raw predictions in y into predictions."""
    n = model.n_out
    return {
        "identity": [],
        "log": [loop(n, "y[i] = expf(y[i]);")],
        "logistic": [loop(n, f"y[i] = {_logistic('y[i]')};")],
        "softmax": [
            "float largest = y[0], total = 0.0f;",
            loop(n, "largest = fmaxf(largest, y[i]);"),
            loop(n, "y[i] = expf(y[i] - largest);", "total += y[i];"),
            loop(n, "y[i] /= total;"),
        ],
    }[model.link]


def head(model):
    """Write the comment at the top, which lists the functions.

    Parameters
    ----------
    model : Model
        What the file computes.

    Returns
    -------
    text : str
    """
    about = [f"{model.name}, exported by skmlp_scratch. Compile it as C99 and link with -lm."]
    for signature, returned, _ in functions(model):
        about += ["", f"{signature};", f"    {returned}"]
    return "\n".join(["/*", *(f" * {line}".rstrip() for line in about), " */"])


def classes(model):
    """Write the labels as an array.

    Parameters
    ----------
    model : Model
        Model of a classifier.

    Returns
    -------
    text : str
    """
    labels = model.labels
    if labels.dtype.kind == "U":
        return _array("const char *const", [_string(label) for label in labels])
    return _array("const long long", [str(label) for label in labels])


def _array(kind, values):
    return f"{kind} classes[{len(values)}] = {{{', '.join(values)}}};"


def _string(text):
    """A string constant: what is not a letter or digit of ASCII by its octal code, so that no compiler objects."""
    plain = "".join(chr(byte) if _is_plain(byte) else f"\\{byte:03o}" for byte in text.encode())
    return f'"{plain}"'


def _is_plain(byte):
    return 32 <= byte < 127 and chr(byte) not in '"\\?'
