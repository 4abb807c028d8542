"""Known mistakes in dreamer_actor."""
