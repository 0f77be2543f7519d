"""Speed and memory beside the alternatives, measured in one process run: ``python -m benchmarks``."""
