"""The texts behind a shadow report, looked up when it is shown, so that what is forgotten is shown nowhere."""

from collections.abc import Mapping, Sequence
from typing import Any

from alma_mcp.contract import Experience
from alma_mcp.evidence.rehearsal import Rehearsal
from alma_mcp.logs.experience_log import ExperienceLog
from alma_mcp.logs.question_log import QuestionLog
from alma_mcp.review.shadow import LONGEST, MEMORIES, most_different

Texts = Mapping[str, Mapping[str, str]]
CUT = 4 * LONGEST


class ReviewTexts:
    """Looks up what a page of a promotion shows of this home's questions and memories."""

    def __init__(self, questions: QuestionLog, log: ExperienceLog) -> None:
        self._questions = questions
        self._log = log

    async def of(self, rehearsal: Rehearsal) -> Texts:
        """The questions that differ most, by number, and the memories they differ in, by id; the forgotten are left
        out. Raises `StoreError`.
        """
        shown = most_different(rehearsal)
        ids = {each for one in shown for each in (*one.appearing[:MEMORIES], *one.lost[:MEMORIES])}
        return {
            "questions": await self._asked([each.question for each in shown]),
            "memories": await self._remembered(sorted(ids)),
        }

    async def _asked(self, numbers: Sequence[int]) -> dict[str, str]:
        found = await self._questions.numbered(numbers)
        return {str(each.number): each.text[:CUT] for each in found}

    async def _remembered(self, ids: Sequence[str]) -> dict[str, str]:
        found = await self._log.experiences(list(self._log.counts()), ids)
        return {name: Experience.from_json(event.body).text[:CUT] for name, event in found.items()}


async def no_texts(_rehearsal: Rehearsal) -> Mapping[str, Any]:
    """Where there are neither questions nor memories to look up."""
    return {}
