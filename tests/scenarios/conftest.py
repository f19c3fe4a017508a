"""Whole stories are told in the same project as the tests of the shell."""

from tests.shell import conftest as shell

anyio_backend = shell.anyio_backend
candidate = shell.candidate
process_stays_as_it_was = shell.process_stays_as_it_was
quiet = shell.quiet
stages = shell.stages
start = shell.start
two = shell.two
verifying = shell.verifying
