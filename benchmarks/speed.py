"""Training and prediction beside scikit-learn, PyTorch and a plain loop, cell by cell.

A run of all cells writes ``benchmarks/results.json`` and renders the table between the markers in docs/performance.md;
with ``OPENBLAS_NUM_THREADS=1`` it does so for the second table there, that of one thread for all.
"""

import json
import statistics
from pathlib import Path

from . import at_least
from .cells import CELLS, CORE, LOOP, OURS, PEER, TORCH, contenders
from .measure import describe, duration, import_seconds, machine, measure, put_between_markers, warm_up

ROOT = Path(__file__).parents[1]
PEERS = (CORE, PEER, TORCH, LOOP)


def add_options(parser):
    parser.add_argument(
        "--cells", nargs="+", metavar="NAME", help="only the cells whose names begin so; writes no file"
    )
    parser.add_argument("--repeats", type=at_least(1), metavar="N", help="how often each contender runs a cell")
    parser.add_argument("--quick", action="store_true", help="1 000 rows and 20 epochs at most, once; writes no file")


def run(options):
    chosen = [cell for cell in CELLS if not options.cells or cell.name.startswith(tuple(options.cells))]
    if not chosen:
        raise SystemExit(f"no such cell; choose from {', '.join(cell.name for cell in CELLS)}")
    results = measure_all(chosen, options)
    print("\n" + render(results))
    if len(chosen) == len(CELLS) and not options.quick:
        suffix = "-one-thread" if results["machine"]["threads"] == 1 else ""
        text = json.dumps(results, indent=1, ensure_ascii=False) + "\n"
        (ROOT / "benchmarks" / f"results{suffix}.json").write_text(text, encoding="utf-8")
        put_between_markers(ROOT / "docs" / "performance.md", render(results), f"benchmarks{suffix}")


def measure_all(cells, options):
    classes = contenders()
    results = {"machine": machine(), "cells": {}}
    for cell in cells:
        cell = cell.quick() if options.quick else cell
        cell = cell.repeated(options.repeats) if options.repeats else cell
        warm_up(cell, classes)
        result = measure(cell, classes)
        results["cells"][cell.name] = {
            "data": cell.data,
            "network": cell.describe()[0],
            "work": cell.describe()[1],
        } | result
        print(progress(cell, result), flush=True)
    results["import_seconds"] = import_seconds(1 if options.quick else 5)
    return results


def progress(cell, result):
    ratios = ", ".join(f"{name} {ratio:.2f}x" for name, ratio in result["ratios"].items())
    return f"{cell.name:20s} {duration(result['seconds'][OURS]):>8s}   {ratios}"


def render(results):
    """The table in Markdown, with the machine above it and the means below."""
    cells = results["cells"]
    lines = [describe(results["machine"]), ""]
    header = [
        "cell",
        "data",
        "network",
        "work",
        "ours",
        *(f"{peer} / ours" for peer in PEERS),
        "floor ratio",
        "MB beyond X",
    ]
    lines += ["| " + " | ".join(header) + " |", "|---" * 4 + "|--:" * (len(header) - 4) + "|"]
    lines += ["| " + " | ".join(row(name, cell)) + " |" for name, cell in cells.items()]
    lines += ["", means(cells)]
    lines += [f"Importing the package takes {duration(results['import_seconds'])} beyond scikit-learn's perceptrons."]
    return "\n".join(lines)


def row(name, cell):
    ratios = [f"{cell['ratios'][peer]:.2f}" if peer in cell["ratios"] else "" for peer in PEERS]
    floor = f"{cell['floor_ratio']:.2f}" if "floor_ratio" in cell else ""
    memory = cell.get("memory_mb", {})
    spread = " / ".join(f"{memory[each]:.0f}" for each in (OURS, *PEERS) if memory.get(each) is not None)
    return [name, cell["data"], cell["network"], cell["work"], duration(cell["seconds"][OURS]), *ratios, floor, spread]


def means(cells):
    """Geometric means of the ratios over the cells that train."""
    trained = [cell["ratios"] for cell in cells.values() if "predict_proba" not in cell["work"]]
    found = {peer: [ratios[peer] for ratios in trained if peer in ratios] for peer in PEERS}
    return (
        "Geometric means in training: "
        + ", ".join(f"{peer} {statistics.geometric_mean(ratios):.2f}" for peer, ratios in found.items() if ratios)
        + "."
    )
