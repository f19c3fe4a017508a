"""Engines turn rows into profiles: one at a time, or whole frames of any kind."""
