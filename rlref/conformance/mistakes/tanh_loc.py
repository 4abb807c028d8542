"""Known mistakes in tanh_loc."""
