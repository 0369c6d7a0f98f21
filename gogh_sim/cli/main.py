"""`gogh-sim`: finds the command, runs it, and turns errors into one line and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import NamedTuple

from gogh_sim.cli.parser import Parser
from gogh_sim.errors import GoghError
from gogh_sim.outputs import reason

USER_ERROR = 2
INTERRUPTED = 130
_LONGEST_LINE = 1000
_OF_THE_SYSTEM = frozenset(
    {
        *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO),
        *(errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EMFILE, errno.ENFILE),
    }
)
"""What the system refuses for reasons outside the program: space, quotas, permissions, devices, names."""


class Command(NamedTuple):
    """A command: the module whose ``main(arguments)`` runs it, imported only then, and its line in the help.

    ``main`` returns nothing, or the exit code of what was done but did not come out as asked.
    """

    module: str
    about: str


COMMANDS = {
    "run": Command("gogh_sim.cli.run", "simulate: gogh-sim run [-m] [group=choice] [group.key=value] ..."),
    "report": Command("gogh_sim.cli.report_command", "table and figures of a run or a sweep: gogh-sim report DIR"),
    "list": Command("gogh_sim.cli.catalogue", "every scheduler, trace, cluster, profile, figure, workload by name"),
    "trace": Command("gogh_sim.cli.trace", "generate, check, describe, convert or fetch traces"),
    "measure": Command("gogh_sim.cli.measure", "time and meter torch workloads on this machine, for calibrate --own"),
    "calibrate": Command("gogh_sim.cli.calibrate", "profile tables from raw measurements, public or your own"),
    "add-gpu": Command("gogh_sim.cli.add_gpu", "a profile with a new GPU type, from one file"),
    "reproduce": Command("gogh_sim.cli.reproduce", "published results computed anew, with a verdict on each number"),
    "bench": Command("gogh_sim.cli.bench", "how fast the engine runs here: gogh-sim bench engine [--json FILE]"),
    "train": Command("gogh_sim.cli.train", "pre-train the networks P1 and P2, with an error table"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; `arguments` default to those of the process.

    Returns
    -------
    int
        0: done; 1: done, and not as asked (a check that found a difference, a sweep in which a run failed); 2: the user
        has something to mend, said in one line on stderr; 130: interrupted.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        chosen = _parser().parse_args(given[:1])
        code: int | None = import_module(COMMANDS[chosen.command].module).main(given[1:])
        sys.stdout.flush()  # what cannot be written is told here, not by the interpreter on its way out
    except GoghError as error:
        print(f"gogh-sim: error: {_line(str(error))}", file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt:
        print("gogh-sim: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has gone; keep the interpreter from complaining about it at exit.
        _discard_output()
        return 0
    except OSError as error:
        if error.errno not in _OF_THE_SYSTEM:
            raise
        place = f"{error.filename}: " if error.filename else ""
        print(f"gogh-sim: error: {place}{reason(error)}", file=sys.stderr)
        try:
            sys.stdout.flush()
        except OSError:
            _discard_output()
        return USER_ERROR
    return code or 0


def _line(text: str) -> str:
    """Text as one line; of what is longer than anybody reads, the beginning and the end."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 200]} ... {line[-200:]}"


def _discard_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> Parser:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {command.about}" for name, command in COMMANDS.items()]
    parser = Parser(
        prog="gogh-sim",
        usage="gogh-sim COMMAND [arguments]",
        description="Trace-driven simulator of heterogeneous GPU clusters with the GOGH scheduling policy.",
        epilog="\n".join(["commands:", *lines, "", "`gogh-sim COMMAND --help` tells more."]),
    )
    parser.add_argument("--version", action="version", version=f"gogh-sim {version('gogh-sim')}")
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of the commands below")
    return parser
