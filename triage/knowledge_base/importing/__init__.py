"""Articles and saved replies out of the files that other systems export.

``read_source`` tells the format from the content and yields an article or the reason why a record gave none.
"""

from triage.knowledge_base.importing.records import Skipped
from triage.knowledge_base.importing.sources import FORMATS, changes, read_lines, read_source

__all__ = ["FORMATS", "Skipped", "changes", "read_lines", "read_source"]
