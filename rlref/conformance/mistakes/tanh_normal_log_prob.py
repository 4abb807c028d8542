"""Known mistakes in tanh_normal_log_prob."""
