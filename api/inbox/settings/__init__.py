"""``/settings``: what admins set and see of their workspace; leads may read.

``forms`` reads what a form sends and frames the pages; each further module is one page, with the parts of the API that it
stands for: what is checked there is checked here.
"""

from fastapi import APIRouter

from api.inbox.settings.clocks import router as clocks_router
from api.inbox.settings.index import router as index_router
from api.inbox.settings.keys import router as keys_router
from api.inbox.settings.language_model import router as language_model_router
from api.inbox.settings.mailboxes import router as mailboxes_router
from api.inbox.settings.quarantine import router as quarantine_router
from api.inbox.settings.rules import router as rules_router
from api.inbox.settings.system import router as system_router
from api.inbox.settings.voice import router as voice_router
from api.inbox.settings.ways_in import router as ways_in_router
from api.inbox.settings.webhooks import router as webhooks_router

router = APIRouter(include_in_schema=False)
# Names before ids: /settings/channels/mailbox is no way in.
for part in (
    index_router, voice_router, mailboxes_router, ways_in_router, quarantine_router, keys_router,
    webhooks_router, clocks_router, rules_router, language_model_router, system_router,
):  # fmt: skip
    router.include_router(part)

__all__ = ["router"]
