"""Known mistakes in discrete_sac."""
