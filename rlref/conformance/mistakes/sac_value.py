"""Known mistakes in sac_value."""
