"""Known mistakes in target_policy_smoothing."""
