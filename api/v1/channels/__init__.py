"""Deliveries of providers: signed webhooks."""
