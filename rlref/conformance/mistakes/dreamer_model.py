"""Known mistakes in dreamer_model."""
