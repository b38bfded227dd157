"""A circuit breaker: after failures in a row nothing is tried for a while, then one attempt decides."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class CircuitOpen(Exception):
    """Nothing is tried now."""


class CircuitBreaker:
    """Opens after ``failures`` in a row for ``pause`` seconds; then one attempt closes it or opens it again.

    Safe to share between threads. ``clock`` gives seconds that never run backwards.
    """

    def __init__(self, *, failures: int = 3, pause: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._pause, self._clock = failures, pause, clock
        self._lock = threading.Lock()
        self._failed = 0
        self._opened_at: float | None = None
        self._probing = False

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Try something: leaving normally is a success, any exception a failure, which passes through.

        Raises:
            CircuitOpen: it is not time yet, or another attempt is deciding.
        """
        probe = self._enter()
        try:
            yield
        except BaseException:
            self._fail(probe)
            raise
        self._succeed()

    def _enter(self) -> bool:
        with self._lock:
            if self._opened_at is None:
                return False
            if self._probing or self._clock() - self._opened_at < self._pause:
                raise CircuitOpen
            self._probing = True
            return True

    def _fail(self, probe: bool) -> None:
        with self._lock:
            self._failed += 1
            if probe:
                self._probing = False
            # Attempts that began before it opened must not push the end of the pause away.
            if probe or (self._opened_at is None and self._failed >= self._most):
                self._opened_at = self._clock()

    def _succeed(self) -> None:
        with self._lock:
            self._failed, self._opened_at, self._probing = 0, None, False
