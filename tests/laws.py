"""Counts examples of laws: property tests with the marker `law`, wherever they stand, and those that break one.

Where FORKKEEPER_TRUST names a file of figures each law is tried on `MORE` times as many examples, and a line of JSON
says how many there were.
"""

import functools
import os
from collections.abc import Generator
from typing import Any

import pytest
from attacks import leave

MORE = 10 if os.environ.get("FORKKEEPER_TRUST") else 1


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Count what a law is really tried on: each call of what Hypothesis calls for an example."""
    handle: Any = getattr(getattr(item, "obj", None), "hypothesis", None)
    if handle is None or item.get_closest_marker("law") is None:
        return (yield)
    inner, count = handle.inner_test, 0

    @functools.wraps(inner)
    def counted(*args: object, **named: object) -> object:
        nonlocal count
        count += 1
        return inner(*args, **named)

    handle.inner_test = counted
    broken = 1
    try:
        result = yield
        broken = 0
        return result
    finally:
        handle.inner_test = inner
        leave({"subject": "laws", "law": item.name, "examples": count, "broken": broken})
