"""Known mistakes in max_q."""
