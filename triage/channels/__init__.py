"""Channels: what each one allows. Adapters that speak a provider's protocol come as one file each."""
