"""Known mistakes in vdn."""
