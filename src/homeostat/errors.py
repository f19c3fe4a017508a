"""What can go wrong, and what follows from it.

```
HomeostatError
+ UserError       the caller's input cannot be used       HTTP 422   exit 2   not retried
  + NotFound      what was named is not there             HTTP 404   exit 2   not retried
  + Conflict      it contradicts what is already stored   HTTP 409   exit 2   not retried
+ StateError      what we hold contradicts itself         HTTP 500   exit 4   not retried
+ Unavailable     something outside did not answer        HTTP 503   exit 4   retried
```
"""

from typing import ClassVar

__all__ = [
    "Conflict",
    "HomeostatError",
    "NotFound",
    "StateError",
    "Unavailable",
    "UserError",
]


class HomeostatError(Exception):
    """Any error of ours.  Its message says what is wrong and what to do."""

    status: ClassVar[int] = 500  #: of the HTTP answer
    exit_code: ClassVar[int] = 4  #: of the command
    retry: ClassVar[bool] = False  #: whether the same call may succeed later


class UserError(HomeostatError):
    """The caller's input cannot be used as it is.

    Parameters
    ----------
    message
        What is wrong and what to do.
    problems
        All that is wrong, one sentence each; shown one to a line under the message.

    Examples
    --------
    >>> print(UserError("the row was refused", ["age: missing", "income: not a number"]))
    the row was refused
      - age: missing
      - income: not a number
    """

    status = 422
    exit_code = 2

    def __init__(self, message: str, problems: list[str] | None = None) -> None:
        self.problems = list(problems or [])
        super().__init__("\n  - ".join([message, *self.problems]))


class NotFound(UserError):
    """What was named is not there."""

    status = 404


class Conflict(UserError):
    """The input contradicts what is already stored."""

    status = 409


class StateError(HomeostatError):
    """What we hold contradicts itself: a digest differs, a schema is newer than the code."""


class Unavailable(HomeostatError):
    """Something outside did not answer; the same call may succeed later."""

    status = 503
    retry = True
