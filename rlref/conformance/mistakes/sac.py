"""Known mistakes in sac."""
