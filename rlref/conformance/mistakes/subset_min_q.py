"""Known mistakes in subset_min_q."""
