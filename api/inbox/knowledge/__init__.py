"""The knowledge base as people see it: listed, edited and tried out, kept up, filled from files.

``library`` is what a request begins with; ``listing``, ``editing``, ``asking``, ``upkeep`` and ``bringing`` are the pages.
"""

from fastapi import APIRouter

from api.inbox.knowledge import asking, bringing, editing, listing, upkeep

router = APIRouter(include_in_schema=False)
# The short address of an article comes last: it takes any word that no other page has.
for _part in (editing, asking, upkeep, bringing, listing):
    router.include_router(_part.router)

__all__ = ["router"]
