"""Known mistakes in normal_entropy."""
