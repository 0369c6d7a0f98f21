"""Fuzz readers by coverage: ``pip install atheris``, then ``python tests/fuzz/explore.py NAME SECONDS [CORPUS]``.

NAME is a target of `targets.py` or the beginning of several, which share the time. What a target raises beyond
`InputError` ends its run, and the file that did it is written to the current folder as ``crash-*``; so does one that
takes over 20 seconds or 2 GiB. Inputs that reached new code are kept in CORPUS, if that is given.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def main(name: str, seconds: float, corpus: Path | None) -> int:
    """Fuzz each target of the name in a process of its own, as libFuzzer never returns; 1 if any has a finding."""
    from fuzz.targets import targets

    chosen = [one for one in targets() if one.startswith(name)]
    each = max(1, round(seconds / len(chosen)))
    code = 0
    for one in chosen:
        with tempfile.TemporaryDirectory() as folder:
            kept = Path(folder) if corpus is None else corpus / one
            kept.mkdir(parents=True, exist_ok=True)
            (kept / "seed").write_bytes(targets()[one].seed)
            ended = subprocess.run([sys.executable, __file__, "--one", one, str(each), str(kept)], check=False)
        print(f"{one}: {'a finding' if ended.returncode else 'no finding'} in {each} s", flush=True)
        code |= ended.returncode != 0
    return code


def fuzz(name: str, seconds: str, corpus: str) -> None:
    """Fuzz one target; never returns."""
    import atheris

    with atheris.instrument_imports(include=["gogh_sim"]):
        from fuzz.targets import targets

        from gogh_sim.errors import InputError

    read = targets()[name].read
    folder = Path(tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))

    def once(content: bytes) -> None:
        with contextlib.suppress(InputError):
            read(content, folder)

    limits = [f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=2048", "-max_len=8192"]
    atheris.Setup([sys.argv[0], *limits, "-print_final_stats=1", corpus], once)
    atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1] == "--one":
        fuzz(*sys.argv[2:5])
    sys.exit(main(sys.argv[1], float(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None))
