"""Metrics: performance against labels, as sums that add.

All are losses, counts or differences of losses: smaller is better.
"""
