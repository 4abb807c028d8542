"""Known mistakes in normal_log_prob."""
