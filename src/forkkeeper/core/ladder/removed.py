"""*removal*: the patch takes lines away in which upstream changed a few words: they go, as they did.

Holds when the patch only removes there, and each line that stands in their place upstream is a version of the line that
was there. What upstream changed in them is shown, as somebody may want it elsewhere.
"""

from forkkeeper.core.ladder import alike
from forkkeeper.core.ladder.rung import Answer
from forkkeeper.core.threeway import Place

RULE = "removal"


def resolve(place: Place) -> Answer | None:
    """Remove the lines as upstream has them now."""
    if place.theirs or not place.base or len(place.ours) != len(place.base):
        return None
    if any(alike.share(was, now) < alike.ALIKE for was, now in zip(place.base, place.ours, strict=True)):
        return None
    return Answer(RULE, (), "the patch removes these lines, and upstream changed only words in them")
