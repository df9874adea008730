"""The door to `report`. What it opens is imported late: it needs a template engine and a charting library."""

from collections.abc import Sequence

from forkkeeper.core.nights import Night
from forkkeeper.core.report import Report
from forkkeeper.errors import OutsideError
from forkkeeper.flow.standing import Setting


def report(setting: Setting, nights: Sequence[Night] | None = None) -> Report:
    """Write the report page of the fork to `build/report/index.html`.

    nights -- newest first; None: those on record
    Raises OutsideError where a package that draws the page is not installed.
    """
    try:
        from forkkeeper.flow import paging  # noqa: PLC0415 -- see above
    except ModuleNotFoundError as error:
        hint = "python -m pip install 'forkkeeper[report]'"
        raise OutsideError("report", str(error.name), "not installed", hint) from error
    return paging.report(setting, nights)
