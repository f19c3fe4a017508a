"""Contracts for each kind of extension, and fakes.  Public; nothing imports it."""
