"""Runs the command line in forks of a process of its own, and kills each fork, or fills its disk, at a chosen moment.

What is imported once is there in every fork, so a run takes a fraction of a second and hundreds of kills are cheap. A
moment is either a change of the file system that the fork is about to make (its number, from 1), which reaches every
state that files can be left in, or a time, which also falls into code that is not Python.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate", "shutil.move")
"""Audit events that tell of a change of the file system; to these come openings of files to write."""


class Ended(NamedTuple):
    """How a fork ended.

    Whether it was killed, its exit code, how many changes it had made, how many of them a full disk refused, its last
    error line.
    """

    killed: bool
    code: int
    changes: int
    refused: int
    said: str


class Forks:
    """Talks to the process that forks. Without `figures`, one small file stands for those that a run draws."""

    def __init__(self, figures: bool = True) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, "figures" if figures else ""],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Forks:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def run(
        self, folder: Path, line: str, *, change: int = 0, after_s: float = 0.0, full: int = 0, largest: int = 0
    ) -> Ended:
        """Run ``gogh-sim LINE`` in a folder.

        Parameters
        ----------
        change, after_s
            If given, it is killed before this change, or after this time.
        full
            If given, the disk has no space left from this change on.
        largest
            If given, the system lets no file grow beyond so many bytes.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"folder": str(folder), "arguments": line.split(), "change": change, "after_s": after_s}
        order |= {"full": full, "largest": largest}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return Ended(**json.loads(self._process.stdout.readline()))


def _serve() -> None:
    import gogh_sim.cli.run  # what every fork needs
    import gogh_sim.estimators
    from gogh_sim.outputs import write_json

    if not sys.argv[1]:

        def draw(runs: list[Any], out: Path) -> list[Path]:
            return [write_json(out / "figure.json", {"runs": len(runs)})]

        gogh_sim.cli.job.write_figures = gogh_sim.cli.report.write_figures = draw  # type: ignore[assignment]
    for line in sys.stdin:
        print(json.dumps(_forked(json.loads(line))._asdict()), flush=True)


def _forked(order: dict[str, Any]) -> Ended:
    told, tell = os.pipe()
    error = tempfile.TemporaryFile()  # noqa: SIM115 - closed below, and needed in both processes
    child = os.fork()
    if child == 0:
        os.close(told)
        _run(order, tell, error.fileno())
    os.close(tell)
    if order["after_s"]:
        time.sleep(order["after_s"])
        os.kill(child, signal.SIGKILL)
    with os.fdopen(told) as count:
        changes, refused = map(int, count.read().split() or (0, 0))
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status)
    with error:
        error.seek(0)
        said = error.read().decode().splitlines() or [""]
    return Ended(killed, -1 if killed else os.WEXITSTATUS(status), changes, refused, said[-1])


def _run(order: dict[str, Any], tell: int, error: int) -> None:
    """The fork: never returns."""
    from gogh_sim.cli import main

    os.chdir(order["folder"])
    silent = os.open(os.devnull, os.O_RDWR)
    for stream, target in enumerate((silent, silent, error)):
        os.dup2(target, stream)
    if order["largest"]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["largest"], order["largest"]))
    changes = refused = 0
    mine = threading.get_ident()

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal changes, refused
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        # Bars and pools have threads whose timing is not that of the run.
        if (writes or event in CHANGES) and threading.get_ident() == mine:
            changes += 1
            if changes == order["change"]:
                os.kill(os.getpid(), signal.SIGKILL)
            if 0 < order["full"] <= changes and event in ("open", "os.mkdir"):
                refused += 1
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), arguments[0])

    sys.addaudithook(count)
    try:
        code = main(order["arguments"])
    except BaseException as bug:
        print(f"{type(bug).__name__}: {bug}", file=sys.stderr)
        code = 70
    sys.stderr.flush()
    os.write(tell, f"{changes} {refused}".encode())
    os._exit(code)


if __name__ == "__main__":
    _serve()
