"""Work on many things in parallel threads, results in order."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_order(work: Callable[[T], R], things: Iterable[T], threads: int) -> Generator[tuple[T, R]]:
    """Yield each thing with its result, in the things' order; at most twice as many as threads are ahead.

    What work raises is raised in its place, and nothing further is begun; the same when the caller stops asking.
    """
    pool = ThreadPoolExecutor(threads)
    ahead: deque[tuple[T, Future[R]]] = deque()
    try:
        for thing in things:
            ahead.append((thing, pool.submit(work, thing)))
            if len(ahead) == 2 * threads:
                first, future = ahead.popleft()
                yield first, future.result()
        for first, future in ahead:
            yield first, future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
