"""How far a queue goes: the newest free commit where the quick question is right, and a true answer where it is not."""

from hypothesis import given, strategies as st

from forkkeeper.core.reach import farthest

VERDICTS = st.lists(st.booleans(), max_size=60)


@given(free=VERDICTS)
def test_the_newest_free_commit_is_found_whatever_lies_before(free: list[bool]) -> None:
    """With a quick question that is right, nothing after what is found is free, and the slow one is asked twice."""
    asked: list[int] = []

    def is_free(number: int) -> bool:
        asked.append(number)
        return free[number]

    found = farthest(len(free), lambda number: not free[number], is_free)
    assert found == max((number for number, verdict in enumerate(free) if verdict), default=-1)
    assert len(asked) <= 2


@given(free=VERDICTS, data=st.data())
def test_a_quick_question_that_errs_never_gives_a_wrong_answer(free: list[bool], data: st.DataObject) -> None:
    """Whatever the quick question says, what is found is free, and what comes after it is not."""
    quick = data.draw(st.lists(st.booleans(), min_size=len(free), max_size=len(free)))
    found = farthest(len(free), lambda number: quick[number], lambda number: free[number])
    assert found == -1 or free[found]
    assert found + 1 == len(free) or not free[found + 1]
