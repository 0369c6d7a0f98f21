"""An argument parser whose complaints are errors like any other."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from gogh_sim.errors import InputError


class Parser(argparse.ArgumentParser):
    """`argparse.ArgumentParser` that raises `InputError` instead of printing its usage and leaving."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False, **settings})

    def error(self, message: str) -> NoReturn:
        """Raise what argparse found wrong."""
        raise InputError(f"{message}; see `{self.prog} --help`")
