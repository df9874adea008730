"""The whole page, in the order in which it is read."""

from forkkeeper.core.page import ahead, backends, changed, evenings, offers, stack, throughput, tomorrow
from forkkeeper.core.page.given import Given
from forkkeeper.core.page.shape import Page, words


def page(given: Given) -> Page:
    """Make the page: what a reader wants to know first comes first."""
    return Page(
        words(given.fork).text,
        words(given.upstream).text,
        given.day,
        tomorrow.answer(given),
        (
            tomorrow.section(given),
            ahead.section(given),
            stack.section(given),
            changed.section(given),
            backends.section(given),
            throughput.section(given),
            offers.sizes(given),
            offers.asked(given),
            evenings.section(given),
        ),
    )
