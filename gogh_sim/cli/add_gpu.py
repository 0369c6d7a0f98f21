"""`gogh-sim add-gpu`: a whole profile with a GPU type that nobody calibrated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gogh_sim import profiles
from gogh_sim.cli.parser import Parser
from gogh_sim.profiles.folder import writable, write_profile
from gogh_sim.profiles.gpu_spec import read_gpu_spec
from gogh_sim.profiles.named import tables_of
from gogh_sim.profiles.new_gpu import add_gpu

_EPILOG = """\
example:
  gogh-sim add-gpu l40s.yaml --out with_l40s
  gogh-sim run profile.name=with_l40s 'cluster.nodes=[{gpu_type:L40S,count:2,gpus_per_node:4}]'

FILE.yaml holds datasheet numbers, idle and host power, and any measured points; docs/profiles.md shows one.
"""


def main(arguments: Sequence[str]) -> None:
    """Write the folder, and say what the new column of the tables rests on."""
    parser = Parser(prog="gogh-sim add-gpu", description="A profile with one more GPU type.", epilog=_EPILOG)
    parser.add_argument("file", type=Path, metavar="FILE.yaml", help="the new type")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write, for profile.name=DIR")
    parser.add_argument("--profile", default="calibrated", help="profile to add it to: a name or a folder")
    given = parser.parse_args(arguments)
    spec = read_gpu_spec(given.file)
    out = writable(given.out)
    write_profile(add_gpu(tables_of(given.profile), spec), out)
    profile = profiles.load(str(out))
    new = profile.type_index[spec.gpu_type]
    tags = Counter(profile.solo_tag[:, new].tolist())
    counted = ", ".join(f"{count} {tag}" for tag, count in sorted(tags.items()))
    speed = float(np.nanmedian(profile.relative_speed[:, new]))
    reference = profile.gpu_types[profile.reference_type].name
    print(f"{spec.gpu_type}: speeds of {counted} workloads, at the median {speed:.2f} times {reference}")
    print(f"tables written to {out}; use them with profile.name={out}")
