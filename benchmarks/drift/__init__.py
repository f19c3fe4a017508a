"""What comparing two data sets costs: homeostat, its peers, and merely reading the file.

python -m benchmarks.drift [--rows 100000 1000000 10000000] [--all] [--write] [--check]
"""
