"""
The same network without Python
===============================

A fitted network becomes an ONNX graph, which runs wherever an ONNX runtime does, or one
file of C for a microcontroller. The picture shows what the runtime's float32 costs.
"""

import matplotlib.pyplot as plt
import numpy as np
import onnxruntime
from sklearn.datasets import make_moons

from skmlp_scratch import ScratchMLPClassifier
from skmlp_scratch.export import to_c, to_onnx

X, y = make_moons(200, noise=0.2, random_state=0)
net = ScratchMLPClassifier(
    (8, 8), "tanh", solver="lbfgs", alpha=0.1, max_iter=300, random_state=0
).fit(X, y)

x1, x2 = np.meshgrid(np.linspace(-2, 3, 150), np.linspace(-1.5, 2, 150))
points = np.column_stack([x1.ravel(), x2.ravel()])
session = onnxruntime.InferenceSession(
    to_onnx(net).SerializeToString(), providers=["CPUExecutionProvider"]
)
_, probabilities = session.run(
    ["label", "probabilities"], {"X": points.astype(np.float32)}
)

# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, layout="constrained")
panels = {
    "Probability by onnxruntime": (probabilities[:, 1], "RdBu_r"),
    "Distance from the network's own": (
        np.abs(probabilities - net.predict_proba(points))[:, 1],
        "Greys",
    ),
}
for ax, (title, (values, cmap)) in zip(axes, panels.items(), strict=True):
    shades = ax.pcolormesh(x1, x2, values.reshape(x1.shape), cmap=cmap, rasterized=True)
    figure.colorbar(shades, ax=ax)
    ax.set_title(title)

# %%
# In C
# ----
# No library, no memory from the heap: weights as constants, and two functions.

code = to_c(net)
print(f"{len(code.splitlines())} lines of C, of which the first:\n")
print("\n".join(code.splitlines()[:25]))
