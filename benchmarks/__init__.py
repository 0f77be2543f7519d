"""What the figures on the pages are made with: ``python -m benchmarks --help``."""


def at_least(lowest):
    """A type of argparse: whole numbers from ``lowest``."""

    def whole_number(text):
        if int(text) < lowest:
            raise ValueError
        return int(text)

    whole_number.__name__ = f"whole number of at least {lowest}"  # as argparse names it in its error
    return whole_number
