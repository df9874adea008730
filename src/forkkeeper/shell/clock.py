"""The door to the clock.

SOURCE_DATE_EPOCH stands in for it where a result must be repeatable (reproducible-builds.org).
"""

import datetime as dt
import os


def today() -> dt.date:
    """Give the day, in UTC."""
    return moment().date()


def now() -> str:
    """Give the moment in UTC, as YYYY-MM-DDTHH:MM:SSZ."""
    return moment().strftime("%Y-%m-%dT%H:%M:%SZ")


def moment() -> dt.datetime:
    """Give the moment, in UTC, to the second."""
    return fixed() or dt.datetime.now(tz=dt.UTC).replace(microsecond=0)


def fixed() -> dt.datetime | None:
    """Give the moment that SOURCE_DATE_EPOCH says; None where it says none."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    return dt.datetime.fromtimestamp(int(text), tz=dt.UTC) if text.isdigit() else None
