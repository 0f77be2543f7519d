"""Command line: ``python -m benchmarks`` measures all cells, ``python -m benchmarks scaling`` how cost grows,
``python -m benchmarks quality`` what each part of the recipe for tables brings, ``distributed`` what an evaluation over
Dask carries and costs, ``distributed-fit`` and ``memory-map`` what fits beyond memory hold.

A run of all cells writes ``benchmarks/results.json`` and renders the table between the markers in docs/performance.md.
"""

import argparse
import json
import statistics
from pathlib import Path

from .cells import CELLS, CORE, LOOP, OURS, PEER, TORCH, contenders
from .measure import describe, duration, import_seconds, machine, measure, put_between_markers, warm_up

ROOT = Path(__file__).parents[1]
PEERS = (CORE, PEER, TORCH, LOOP)
DISTRIBUTED = ("distributed", "distributed-fit", "memory-map")


def main(arguments=None):
    options = parse(arguments)
    if options.command == "scaling":
        from .scaling import write_page

        return write_page(ROOT / "docs")
    if options.command == "quality":
        from .quality import main as print_quality

        return print_quality(only=options.only, path=options.results)
    if options.command in DISTRIBUTED:
        from .distributed import COMMANDS

        return COMMANDS[options.command]()
    chosen = [cell for cell in CELLS if not options.cells or cell.name.startswith(tuple(options.cells))]
    if not chosen:
        raise SystemExit(f"no such cell; choose from {', '.join(cell.name for cell in CELLS)}")
    results = run(chosen, options)
    print("\n" + render(results))
    if len(chosen) == len(CELLS) and not options.quick:
        (ROOT / "benchmarks" / "results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
        put_between_markers(ROOT / "docs" / "performance.md", render(results))
    return None


def parse(arguments):
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["table", "scaling", "quality", *DISTRIBUTED], default="table")
    parser.add_argument(
        "--cells", nargs="+", metavar="NAME", help="only the cells whose names begin so; writes no file"
    )
    parser.add_argument("--only", nargs="+", metavar="TEXT", help="quality: only the rows whose names contain a text")
    parser.add_argument("--results", metavar="FILE", help="quality: the losses measured so far, which it goes on from")
    parser.add_argument("--repeats", type=int, metavar="N", help="how often each contender runs a cell")
    parser.add_argument("--quick", action="store_true", help="1 000 rows and 20 epochs at most, once; writes no file")
    options = parser.parse_args(arguments)
    if options.repeats is not None and options.repeats < 1:
        parser.error("--repeats must be at least 1")
    return options


def run(cells, options):
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


if __name__ == "__main__":
    main()
