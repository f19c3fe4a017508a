"""homeostat keeps a tabular model healthy after its release.

It serves the model, keeps every prediction, tells change from noise, trains a candidate when
the model no longer holds, proves that it is better, puts it into service, watches it, and
takes it back when it was a mistake.

`homeostat.compare` tells whether two samples of rows differ; `homeostat.Client` asks a service
and logs what another one answers.  Import what else you need from
the module that is named after it; importing the package itself imports nothing else.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from homeostat.client import Client
    from homeostat.comparison import compare

__all__ = ["Client", "__version__", "compare"]


def __getattr__(name: str) -> Any:
    # Looked up when it is asked for: each of them takes longer than importing this.
    if name == "__version__":
        from importlib.metadata import version

        return version("homeostat")
    if name == "Client":
        from homeostat.client import Client

        return Client
    if name == "compare":
        from homeostat.comparison import compare

        return compare
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
