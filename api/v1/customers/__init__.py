"""``/v1/customers``."""
