"""Known mistakes in hard_update."""
