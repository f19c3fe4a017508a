"""Those that are measured: of the reference's path each makes the call that is timed.

It reads the reference, and sums it up where the engine can, before the call: each has at hand
what it can have at hand.  A module is imported in the environment of its peer alone.
"""
