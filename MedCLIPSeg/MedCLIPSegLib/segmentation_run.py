"""One run of the engine, in small steps on the main thread."""

from collections.abc import Callable, Iterator
from typing import Any

import qt


class SegmentationRun:
    """Advances the engine by one step per turn of the event loop, so that the panel stays alive in between.

    Exactly one of ``onResult`` and ``onFailure`` is called, and neither after `cancel`.

    Args:
        steps: the engine's generator: progress events, then the result.
        isResult: tells the result from progress.
        onProgress: takes each progress event.
        onResult: takes the result.
        onFailure: takes the exception that ended the run.
    """

    def __init__(
        self,
        steps: Iterator[Any],
        isResult: Callable[[Any], bool],
        onProgress: Callable[[Any], None],
        onResult: Callable[[Any], None],
        onFailure: Callable[[Exception], None],
    ) -> None:
        self._steps: Iterator[Any] | None = steps
        self._isResult = isResult
        self._onProgress = onProgress
        self._onResult = onResult
        self._onFailure = onFailure
        self._timer = qt.QTimer()
        self._timer.setInterval(0)
        self._timer.connect("timeout()", self._step)

    @property
    def isRunning(self) -> bool:
        """True until the result, a failure or `cancel`."""
        return self._steps is not None

    def start(self) -> None:
        """Take the first step at the next turn of the event loop."""
        self._timer.start()

    def cancel(self) -> None:
        """Close the engine's generator; nothing is reported after this."""
        self._timer.stop()
        steps, self._steps = self._steps, None
        close = getattr(steps, "close", None)
        if close is not None:
            close()

    def _step(self) -> None:
        if self._steps is None:
            return
        try:
            event = next(self._steps)
        except StopIteration:
            self.cancel()
            self._onFailure(RuntimeError("The engine ended without a result."))
        except Exception as error:  # an exception that leaves a slot is only printed
            self.cancel()
            self._onFailure(error)
        else:
            if self._isResult(event):
                self.cancel()
                self._onResult(event)
            else:
                self._onProgress(event)
