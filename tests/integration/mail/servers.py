"""Dovecot and Postfix from the distribution, with a configuration of their own in a temporary folder, on free ports."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

MAIL_USER = 10_143
"""Owner of the mailboxes; needs no entry in the system's users. Dovecot opens no mailbox as root."""
PASSWORD = "pass wörd"
_SECONDS = 60


@dataclass(frozen=True)
class MailServer:
    """Ports on 127.0.0.1. Mail to ``shop.example`` and ``home.example`` is delivered to Dovecot, which knows support@ and
    ana@; mail to ``lmtp.example`` goes to whatever listens at ``our_lmtp``."""

    imaps: int
    smtp: int
    our_lmtp: int
    certificate: Path
    log: Path


def missing() -> str | None:
    """What keeps the servers from starting here; None where nothing does."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    lacking = [name for name in ("dovecot", "postfix", "openssl") if shutil.which(name, path=path) is None]
    if not lacking and not Path("/usr/lib/dovecot/lmtp").exists():
        lacking = ["dovecot-lmtpd"]
    if lacking:
        return f"{', '.join(lacking)} not installed: apt-get install -y dovecot-imapd dovecot-lmtpd postfix openssl"
    if os.geteuid() != 0:
        return "Postfix starts as root only"
    return None


@contextmanager
def running(folder: Path) -> Iterator[MailServer]:
    """Both servers, until the end of the block. ``folder`` must be open to other users: the servers give up their rights."""
    imaps, lmtp, smtp, ours = _free_ports(4)
    certificate = _certificate(folder)
    dovecot = _dovecot(folder, certificate, imaps=imaps, lmtp=lmtp)
    postfix = _postfix(folder, certificate, smtp=smtp, lmtp=lmtp, ours=ours)
    environment = {**os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    log = folder / "output.log"
    with log.open("wb") as output:
        started = [
            subprocess.Popen(command, stdout=output, stderr=output, env=environment)
            for command in (["dovecot", "-F", "-c", str(dovecot)], ["postfix", "-c", str(postfix), "start-fg"])
        ]
        try:
            for port in (imaps, lmtp, smtp):
                _wait_for(port, started, folder)
            yield MailServer(imaps=imaps, smtp=smtp, our_lmtp=ours, certificate=certificate, log=folder / "mail.log")
        finally:
            subprocess.run(["postfix", "-c", str(postfix), "stop"], env=environment, capture_output=True, check=False)
            for process in started:
                process.terminate()
            for process in started:
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def _free_ports(number: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _wait_for(port: int, processes: list[subprocess.Popen[bytes]], folder: Path) -> None:
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end and all(process.poll() is None for process in processes):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    told = "\n".join(log.read_text(errors="replace")[-3_000:] for log in sorted(folder.glob("*.log")))
    raise RuntimeError(f"the mail servers did not start:\n{told}")


def _certificate(folder: Path) -> Path:
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=mail.shop.example", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(folder / "key.pem"),
            "-out", str(folder / "certificate.pem"),
        ],
        capture_output=True, check=True,
    )  # fmt: skip
    return folder / "certificate.pem"


def _dovecot(folder: Path, certificate: Path, *, imaps: int, lmtp: int) -> Path:
    home = folder / "boxes"
    home.mkdir()
    os.chown(home, MAIL_USER, MAIL_USER)
    users = folder / "users"
    users.write_text(
        "".join(
            f"{user}:{{PLAIN}}{PASSWORD}:{MAIL_USER}:{MAIL_USER}::{home}/{user}::\n"
            for user in ("support@shop.example", "ana@home.example")
        )
    )
    file = folder / "dovecot.conf"
    file.write_text(
        f"""
base_dir = {folder}/dovecot-run
state_dir = {folder}/dovecot-state
instance_name = triage-tests
log_path = {folder}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
ssl = required
ssl_cert = <{certificate}
ssl_key = <{folder}/key.pem
auth_mechanisms = plain
auth_username_format = %Lu
recipient_delimiter = +
first_valid_uid = 1000
mail_location = maildir:~/Maildir
passdb {{
  driver = passwd-file
  args = username_format=%u {users}
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {users}
}}
service imap-login {{
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
protocol lmtp {{
  postmaster_address = postmaster@shop.example
}}
"""
    )
    return file


def _postfix(folder: Path, certificate: Path, *, smtp: int, lmtp: int, ours: int) -> Path:
    config = folder / "postfix"
    config.mkdir()
    for name in ("queue", "data"):
        (folder / name).mkdir()
    shutil.chown(folder / "data", "postfix")
    (config / "main.cf").write_text(
        f"""
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file_prefixes = {folder}
maillog_file = {folder}/mail.log
myhostname = mail.shop.example
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_tls_security_level = may
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {folder}/key.pem
recipient_delimiter = +
message_size_limit = 60000000
mailbox_size_limit = 0
virtual_mailbox_domains = shop.example home.example
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
relay_domains = lmtp.example
transport_maps = inline:{{ lmtp.example=lmtp:inet:127.0.0.1:{ours} }}
default_transport = error:no mail leaves a test
minimal_backoff_time = 1s
maximal_backoff_time = 1s
queue_run_delay = 1s
"""
    )
    services = {
        "cleanup": "unix n - n - 0 cleanup", "qmgr": "unix n - n 300 1 qmgr", "rewrite": "unix - - n - - trivial-rewrite",
        "bounce": "unix - - n - 0 bounce", "defer": "unix - - n - 0 bounce", "trace": "unix - - n - 0 bounce",
        "verify": "unix - - n - 1 verify", "flush": "unix n - n 1000? 0 flush", "proxymap": "unix - - n - - proxymap",
        "error": "unix - - n - - error", "retry": "unix - - n - - error", "discard": "unix - - n - - discard",
        "lmtp": "unix - - n - - lmtp", "anvil": "unix - - n - 1 anvil", "scache": "unix - - n - 1 scache",
        "tlsmgr": "unix - - n 1000? 1 tlsmgr", "pickup": "unix n - n 60 1 pickup", "postlog": "unix-dgram n - n - 1 postlogd",
    }  # fmt: skip
    lines = [f"127.0.0.1:{smtp} inet n - n - - smtpd", *(f"{name} {service}" for name, service in services.items())]
    (config / "master.cf").write_text("\n".join(lines) + "\n")
    return config
