"""Known mistakes in qmix."""
