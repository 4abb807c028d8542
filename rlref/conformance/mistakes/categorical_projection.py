"""Known mistakes in categorical_projection."""
