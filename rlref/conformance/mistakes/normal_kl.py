"""Known mistakes in normal_kl."""
