"""The agents' inbox: server-rendered pages, no script, nothing loaded from elsewhere.

For now it shows the demo messages with their triage and draft, and a form to try a message of one's own. Approving and
sending need the durable store and come with it.
"""

from api.inbox.desk import Desk
from api.inbox.pages import install

__all__ = ["Desk", "install"]
