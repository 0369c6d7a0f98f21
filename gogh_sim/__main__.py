"""`python -m gogh_sim`: the same as `gogh-sim`."""

import sys

from gogh_sim.cli import main

if __name__ == "__main__":
    sys.exit(main())
