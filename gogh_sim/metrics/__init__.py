"""Records of a run to numbers: summaries, site accounts, occupancy intervals, confidence intervals."""
