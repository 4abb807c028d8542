"""Known mistakes in categorical_entropy."""
