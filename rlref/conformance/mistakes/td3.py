"""Known mistakes in td3."""
