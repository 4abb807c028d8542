"""Known mistakes in expected_soft_q."""
