"""``/v1/orders``."""
