"""Data and scenes for the demonstration."""
