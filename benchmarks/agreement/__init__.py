"""The same distances by homeostat, SciPy, Evidently and NannyML, on the same rows."""
