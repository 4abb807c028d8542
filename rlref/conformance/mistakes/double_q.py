"""Known mistakes in double_q."""
