"""``/welcome``: from an empty inbox to the first drafts in about five minutes, in five steps that can be left and resumed.

``steps`` is the frame around them; ``knowledge``, ``channel`` and ``past`` are what one can bring.
"""

from fastapi import APIRouter

from api.inbox.welcome.channel import router as channel_router
from api.inbox.welcome.knowledge import router as knowledge_router
from api.inbox.welcome.past import router as past_router
from api.inbox.welcome.steps import is_due
from api.inbox.welcome.steps import router as steps_router

router = APIRouter(include_in_schema=False)
for part in (steps_router, knowledge_router, channel_router, past_router):
    router.include_router(part)

__all__ = ["is_due", "router"]
