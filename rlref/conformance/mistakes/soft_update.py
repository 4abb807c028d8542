"""Known mistakes in soft_update."""
