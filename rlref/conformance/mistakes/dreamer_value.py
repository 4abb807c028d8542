"""Known mistakes in dreamer_value."""
