"""Known mistakes in tanh_normal_rsample."""
