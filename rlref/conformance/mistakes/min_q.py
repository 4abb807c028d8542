"""Known mistakes in min_q."""
