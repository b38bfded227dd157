"""``/insights``: the figures of a workspace, drawn where people would rather look than read; for leads and admins.

``asked`` reads what a page is asked for, ``figures`` makes sections of each figure, ``sections`` is what a page consists of,
``charts`` draws, ``pages`` and ``downloads`` answer. What each figure says stands in ``says``. Nothing scores single agents.
"""

from fastapi import APIRouter

from api.inbox.insights.downloads import router as downloads_router
from api.inbox.insights.pages import router as pages_router

router = APIRouter(include_in_schema=False)
# A name with ".csv" behind it is a name too.
for _part in (downloads_router, pages_router):
    router.include_router(_part)

__all__ = ["router"]
