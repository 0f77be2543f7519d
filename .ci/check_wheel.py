"""Check a wheel and the log of its build: python check_wheel.py FOLDER_OF_THE_WHEEL LOG.

The compiled kernels are optional, so that pip says nothing when they fail to build: here they must be in the wheel.
"""

import re
import sys
import zipfile
from pathlib import Path

# One file for every Python from 3.11 on.
KERNELS = re.compile(r"skmlp_scratch/_engine/_kernels\.(abi3\.so|pyd)")
# pip's on package locations in the machine's own configuration, and the build's on its choice to add no bytecode and on
# what MANIFEST.in would exclude, were it there; and a module of that name.
HARMLESS = ("Location '", "byte-compiling is disabled", "no previously-included", "_warnings.py")


def wrong_files(names, modules):
    """List what a wheel holds beside the package's modules, its kernels and its metadata, and what it lacks."""
    metadata = re.compile(r"skmlp_scratch-[^/]+\.dist-info/.+")
    inside = {KERNELS.sub("KERNELS", name) for name in names if not metadata.fullmatch(name)}
    return sorted(inside ^ modules)


def main():
    """Print the wheel's contents, and end with a message for each problem."""
    folder, log = Path(sys.argv[1]), Path(sys.argv[2]).read_text(encoding="utf-8")
    (wheel,) = folder.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    print(wheel.name, *names, sep="\n  ")
    modules = {path.as_posix() for path in Path("skmlp_scratch").rglob("*.py")} | {"skmlp_scratch/py.typed", "KERNELS"}
    problems = [] if "-abi3-" in wheel.name else ["the wheel is not for every Python from 3.11 on"]
    problems += [f"unexpected or missing: {name}" for name in wrong_files(names, modules)]
    if not any(name.endswith(".dist-info/licenses/LICENSE") for name in names):
        problems.append("the license is missing")
    warnings = [line for line in log.splitlines() if re.search("warning|deprecat", line, re.IGNORECASE)]
    problems += [line for line in warnings if not any(text in line for text in HARMLESS)]
    sys.exit("\n".join(problems) or None)


if __name__ == "__main__":
    main()
