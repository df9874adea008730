"""What the patch does at a place, upstream has done itself: upstream's lines stay."""

import pytest
from merging import Case, holds

from forkkeeper.core.ladder import present

ANSWERED = {
    "upstream has the patch's lines and more": Case(
        "a\nz\n",
        "a\nif (path == NULL) {\n    return ERROR;\n}\nlog(path);\nz\n",
        "a\nif (path == NULL) {\n    return ERROR;\n}\nz\n",
        "a\nif (path == NULL) {\n    return ERROR;\n}\nlog(path);\nz\n",
    ),
    "formatted in its own way": Case(
        "a\nold_call(first);\nz\n",
        "a\n    new_call( first, second );\nmore();\nz\n",
        "a\nnew_call(first, second);\nz\n",
        "a\n    new_call( first, second );\nmore();\nz\n",
    ),
    "a line of upstream's between them": Case(
        "a\nz\n",
        "a\nint length = count(text);\nassert(text);\nreturn length + 1;\nz\n",
        "a\nint length = count(text);\nreturn length + 1;\nz\n",
        "a\nint length = count(text);\nassert(text);\nreturn length + 1;\nz\n",
    ),
    "both take lines away, upstream more of them": Case(
        "a\nfirst_thing();\nsecond_thing();\nz\n", "a\nz\n", "a\nsecond_thing();\nz\n", "a\nz\n"
    ),
}
SILENT = {
    "a line of the patch is missing": Case(
        "a\nz\n", "a\nint length = count(text);\nz\n", "a\nint length = count(text);\nreturn length + 1;\nz\n"
    ),
    "they stand in another order": Case(
        "a\nz\n", "a\nsecond_of_all(two);\nfirst_of_all(one);\nz\n", "a\nfirst_of_all(one);\nsecond_of_all(two);\nz\n"
    ),
    "what the patch removes is still there": Case(
        "a\nold_call(first);\nz\n",
        "a\nold_call(first);\nnew_call(first, second);\nz\n",
        "a\nnew_call(first, second);\nz\n",
    ),
    "a short line proves nothing": Case("a\nz\n", "a\nbreak;\nmore();\nz\n", "a\nbreak;\nz\n"),
    "upstream wrote anew what the patch removes": Case(
        "a\nold_call(first);\nz\n", "a\nother_call(first);\nz\n", "a\nz\n"
    ),
    "far apart": Case(
        "a\nz\n",
        "a\nint length = count(text);\n" + "".join(f"step_{n}();\n" for n in range(9)) + "return length + 1;\nz\n",
        "a\nint length = count(text);\nreturn length + 1;\nz\n",
    ),
    "a short line of the patch is missing": Case(
        "a\nz\n",
        "a\nint other(void);\nint patch_function(void);\nz\n",
        "a\nint patch_function(void);\nx = 1;\nz\n",
    ),
    "a line stands there once, and the patch has it twice": Case(
        "a\nunlock(m);\nz\n",
        "a\nif (check_failed(m)) {\n    return -EINVAL;\n}\nunlock(m, 1);\nz\n",
        "a\nif (check_failed(m)) {\n    unlock(m);\n    return -EINVAL;\n}\nunlock(m);\nz\n",
    ),
    "a short line that the patch removes is still there": Case(
        "a\nx = 1\nz\n", "a\nx = 1\nint length = count(text);\nz\n", "a\nint length = count(text);\nz\n"
    ),
    "nothing but brackets": Case("a\nz\n", "a\n{\n}\n;\nz\n", "a\n{\n}\nz\n"),
}


@pytest.mark.parametrize("case", ANSWERED.values(), ids=ANSWERED)
def test_upstreams_lines_stay(case: Case) -> None:
    """The patch's added lines stand there together, and what it removes is gone."""
    assert holds(case, present.resolve, "partly-upstreamed").why.startswith("upstream ")


@pytest.mark.parametrize("case", SILENT.values(), ids=SILENT)
def test_it_is_silent_where_something_of_the_patch_would_be_lost(case: Case) -> None:
    """Every telling line must be there, in order, close together, and long enough to prove anything."""
    assert case.result(present.resolve) is None
