"""Outgoing events over HTTP: who gets them, and what became of each."""
