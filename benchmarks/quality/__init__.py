"""Does an alarm mean a change, and does a change raise an alarm?  homeostat and its peers.

python -m benchmarks.quality [--quick] [--scale 1.0] [--write] [--check]
"""
