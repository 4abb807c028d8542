"""Known mistakes in a2c."""
