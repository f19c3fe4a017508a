"""`homeostat`: the command, and the outermost edge of its process."""

import sys
from collections.abc import Sequence

import typer

from homeostat.access import without_passwords
from homeostat.cli import (
    alert,
    challenger,
    decision,
    history,
    key,
    log,
    loop,
    model,
    monitor,
    reference,
    report,
)
from homeostat.cli.compare import compare
from homeostat.cli.estimate import estimate
from homeostat.cli.init import init
from homeostat.cli.quality import quality
from homeostat.cli.serve import serve
from homeostat.errors import HomeostatError

__all__ = ["app", "main"]

app = typer.Typer(
    name="homeostat",
    help="Keeps a tabular model healthy after its release.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(init)
app.command()(compare)
app.command()(quality)
app.command()(estimate)
app.command()(serve)
for noun in (
    *(reference, model, challenger, log, monitor, loop, decision, alert, key),
    *(history, report),
):
    app.add_typer(noun.app, name=noun.__name__.rpartition(".")[2], help=noun.__doc__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave with its exit code.

    0 done or nothing wrong, 1 something was found, 2 the input cannot be used, 3 it cannot
    be told, 4 an error of ours or of something outside.
    """
    try:
        app(args=None if arguments is None else list(arguments), standalone_mode=True)
    except HomeostatError as error:
        print(f"homeostat: {without_passwords(str(error))}", file=sys.stderr)  # noqa: T201  # the last word of the process
        raise SystemExit(error.exit_code) from error


if __name__ == "__main__":
    main()
