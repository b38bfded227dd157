"""A real mail server for the tests of this folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.mail import servers
from tests.integration.mail.servers import MailServer


@pytest.fixture(scope="session")
def server() -> Iterator[MailServer]:
    lacking = servers.missing()
    if lacking is not None:
        if os.environ.get("CI"):
            pytest.fail(f"no mail server to test with: {lacking}")
        pytest.skip(f"no mail server to test with: {lacking}")
    # Not pytest's own folder: that one is closed to the users as whom the servers run.
    with tempfile.TemporaryDirectory(prefix="triage-mail-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        with servers.running(folder) as started:
            yield started
