"""gogh_sim."""
