"""Does a policy play by the rules? Checks that a user runs on a policy of their own.

With pytest, in a file of one's own::

    import pytest
    from gogh_sim.testing import CHECKS, check

    @pytest.mark.parametrize("name", CHECKS)
    def test_my_policy(name):
        check(name, lambda context, source: MyPolicy(context))

A policy that is told the truth (``knowledge: profile``) is handed it as `source`, and leaves out the check
``no_peeking_at_speeds``.
"""

from gogh_sim.testing.conformance import CHECKS, ConformanceError, MakePolicy, check
from gogh_sim.testing.worlds import World, random_world

__all__ = ["CHECKS", "ConformanceError", "MakePolicy", "World", "check", "random_world"]
