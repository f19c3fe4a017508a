"""What answering one row costs: homeostat with everything recorded, its peers, a bare handler.

python -m benchmarks.serving [--seconds 10] [--soak-minutes 0] [--quick] [--write] [--check]
"""
