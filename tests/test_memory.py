"""A million rows fit in X and little more: full batches and predictions run in row chunks, under a hard limit."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIMIT = 100_000_000  # bytes beyond X and y, of address space; of what is resident, too

SCRIPT = """
import json, resource, sys, warnings
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from skmlp_scratch import ScratchMLPClassifier

def status(field):  # of this process alone; ru_maxrss would begin with the peak of the process that started it
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))

solver, (max_iter, rows, limit) = sys.argv[1], map(int, sys.argv[2:])
warnings.simplefilter("ignore", ConvergenceWarning)
model = ScratchMLPClassifier((100,), solver=solver, max_iter=max_iter, random_state=0)
X = np.random.default_rng(0).standard_normal((rows, 30), dtype=np.float32)
y = X[:, 0] > X[:, 1]
resident = status("VmRSS")
# Threads, and what the linear algebra sets aside for them, come with the first chunks and are then there for good.
# OpenBLAS tries for ever to get its part, so this has to come before the limit.
model.fit(X[:20_000], y[:20_000]).predict_proba(X[:20_000])
resource.setrlimit(resource.RLIMIT_AS, (status("VmSize") + limit,) * 2)
try:
    np.empty(limit * 11 // 10, np.uint8)  # a freed piece may be used again
    sys.exit("there is no limit")
except MemoryError:
    pass
model.fit(X, y)
fit = status("VmHWM") - resident
shape = model.predict_proba(X).shape
print(json.dumps({"fit": fit, "both": status("VmHWM") - resident, "shape": shape, "losses": model.loss_curve_}))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads its memory as Linux reports it")
@pytest.mark.parametrize(("solver", "max_iter"), [("gd", 2), ("lbfgs", 2)])
def test_a_million_rows_fit_beside_x(solver, max_iter):
    command = [sys.executable, "-c", SCRIPT, solver, str(max_iter), "1000000", str(LIMIT)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    print(f"{solver}: {found['fit'] / 1e6:.0f} MB to fit, {found['both'] / 1e6:.0f} MB with predict_proba, beyond X")
    assert found["shape"] == [1_000_000, 2]
    assert len(found["losses"]) == max_iter
    assert found["both"] <= LIMIT
