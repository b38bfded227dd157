"""Customer-message triage and reply assistant."""

__version__ = "0.1.0"
