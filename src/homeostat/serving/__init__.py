"""The champion behind HTTP: every answer is in the store before it is given."""
