"""Known mistakes in normal_rsample."""
