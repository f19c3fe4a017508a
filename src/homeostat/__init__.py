"""homeostat keeps a tabular model healthy after its release."""
