"""Known mistakes in distributional_dqn."""
