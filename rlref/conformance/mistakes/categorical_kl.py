"""Known mistakes in categorical_kl."""
