"""Known mistakes in clip_ppo."""
