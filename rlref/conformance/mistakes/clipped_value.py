"""Known mistakes in clipped_value."""
