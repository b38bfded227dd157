"""The agents' inbox: server-rendered pages over the durable store, with a small script of our own that they work without.

``desk`` knows who is logged in, ``seat`` is a logged-in agent's request, ``queue`` and ``conversation`` are the pages;
``wording`` and ``rendering`` turn rows into what they show.
"""

from api.inbox.desk import Desk
from api.inbox.pages import install

__all__ = ["Desk", "install"]
