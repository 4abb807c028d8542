"""Known mistakes in redq."""
