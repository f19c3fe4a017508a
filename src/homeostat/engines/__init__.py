"""Engines turn rows into profiles: one row at a time, or a whole frame."""
