"""How far off is quality that is estimated before the labels come?  homeostat and its peer.

python -m benchmarks.estimates [--quick] [--write] [--check] [--data FOLDER] [--stream FILE ...]
"""
