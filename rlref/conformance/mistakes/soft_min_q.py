"""Known mistakes in soft_min_q."""
