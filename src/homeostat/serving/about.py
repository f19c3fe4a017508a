"""Which release of homeostat this is."""

from importlib.metadata import PackageNotFoundError, version

__all__ = ["release"]


def release() -> str:
    """The version of the installed package; "unknown" when it runs from its sources only."""
    try:
        return version("homeostat")
    except PackageNotFoundError:
        return "unknown"
