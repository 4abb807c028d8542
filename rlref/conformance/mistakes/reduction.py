"""Known mistakes in reduction."""
