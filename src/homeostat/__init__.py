"""homeostat keeps a tabular model healthy after its release.

It serves the model, keeps every prediction, tells change from noise, trains a candidate when
the model no longer holds, proves that it is better, puts it into service, watches it, and
takes it back when it was a mistake.

Import what you need from the module that is named after it; importing the package itself
imports nothing else.
"""

__all__ = ["__version__"]


def __getattr__(name: str) -> str:
    # Looked up when it is asked for: reading metadata takes longer than importing this.
    if name == "__version__":
        from importlib.metadata import version

        return version("homeostat")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
