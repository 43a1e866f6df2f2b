"""Work in small steps on the main thread."""

from collections.abc import Callable, Generator
from typing import Any

import qt


class EventLoopSteps:
    """Advances a generator by one step per turn of the event loop, so that the panel stays alive in between.

    Exactly one of ``onResult`` and ``onFailure`` is called, and neither after `drop`.

    Args:
        steps: the work; its return value is the result.
        onResult: takes the result.
        onFailure: takes the exception that ended the work.
    """

    def __init__(
        self,
        steps: Generator[None, None, Any],
        onResult: Callable[[Any], None],
        onFailure: Callable[[Exception], None],
    ) -> None:
        self._steps: Generator[None, None, Any] | None = steps
        self._onResult = onResult
        self._onFailure = onFailure
        self._timer = qt.QTimer()
        self._timer.setInterval(0)
        self._timer.connect("timeout()", self._step)

    def start(self) -> None:
        """Take the first step at the next turn of the event loop."""
        self._timer.start()

    def drop(self) -> None:
        """Stop where it is; nothing is reported after this."""
        self._timer.stop()
        steps, self._steps = self._steps, None
        if steps is not None:
            steps.close()

    def _step(self) -> None:
        if self._steps is None:
            return
        try:
            next(self._steps)
        except StopIteration as end:
            self.drop()
            self._onResult(end.value)
        except Exception as error:  # an exception that leaves a slot is only printed
            self.drop()
            self._onFailure(error)
