"""Known mistakes in categorical_log_prob."""
