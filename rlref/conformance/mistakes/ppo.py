"""Known mistakes in ppo."""
