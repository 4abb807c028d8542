"""Known mistakes in reinforce."""
