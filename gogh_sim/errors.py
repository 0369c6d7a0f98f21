"""Errors a user can act on; the command line prints them as one line and exits with 2."""

from __future__ import annotations

from pathlib import Path


class GoghError(Exception):
    """Base of every error that the user, not the program, has to mend."""


class InputError(GoghError):
    """Bad input in a file or an argument.

    Parameters
    ----------
    message
        What was expected and what was found.
    file, line, column
        Where, as far as known. Lines count from 1 and include the header; `column` is the column's name.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | Path | None = None,
        line: int | None = None,
        column: str | None = None,
    ) -> None:
        self.message = message
        self.file = file
        self.line = line
        self.column = column
        place = [str(file)] if file is not None else []
        if line is not None:
            place.append(f"line {line}")
        if column is not None:
            place.append(f"column {column}")
        super().__init__(f"{', '.join(place)}: {message}" if place else message)


class InvalidDecisionError(GoghError):
    """A policy asked for a placement that the cluster cannot hold; the message names job, GPU and rule."""


def require(condition: bool, what: str) -> None:
    """Raise `InputError` with this message unless the condition holds."""
    if not condition:
        raise InputError(what)
