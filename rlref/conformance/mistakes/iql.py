"""Known mistakes in iql."""
