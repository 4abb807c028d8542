"""Known mistakes in kl_penalty_ppo."""
