"""Command line: ``python -m benchmarks COMMAND``; without a command it is ``speed``."""

import argparse
import sys

from . import containers, distributed, mutation, quality, scaling, solvers, speed, testing, toolbox

COMMANDS = {
    "speed": speed,
    "containers": containers,
    "scaling": scaling,
    "quality": quality,
    "distributed": distributed,
    "solvers": solvers,
    "toolbox": toolbox,
    "mutation": mutation,
    "testing": testing,
}


def main(arguments=None):
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("-h", "--help")):
        arguments = ["speed", *arguments]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Make the figures that the pages show.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, module in COMMANDS.items():
        text = module.__doc__.replace("%", "%%")
        command = commands.add_parser(
            name,
            help=text.partition("\n")[0],
            description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if hasattr(module, "add_options"):
            module.add_options(command)
    options = parser.parse_args(arguments)
    return COMMANDS[options.command].run(options)


if __name__ == "__main__":
    main()
