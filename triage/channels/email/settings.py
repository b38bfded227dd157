"""The settings of a mailbox, as an admin made them for an inbound."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from triage.channels.email.token import Tokens
from triage.errors import ConfigurationError

ADDRESS = re.compile(r"[^\s<>@\"(),;:\\\[\]\x00-\x1f\x7f]{1,64}@[^\s<>@\"(),;:\\\[\]\x00-\x1f\x7f]{1,255}")

Address = Annotated[str, Field(pattern=rf"^{ADDRESS.pattern}$", max_length=254)]
Security = Literal["tls", "starttls", "none"]


class Server(BaseModel):
    """A mail server.

    Attributes:
        security: ``tls`` from the first byte, ``starttls`` before anything else, ``none`` for a server on this machine.
        ca_file: PEM file of the authority that signed the server's certificate; the system's authorities where unset.
        timeout: seconds for one answer.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,255}$")]
    port: Annotated[int, Field(ge=1, le=65_535)]
    security: Security = "tls"
    user: str | None = None
    password: SecretStr | None = None
    ca_file: Path | None = None
    timeout: Annotated[float, Field(gt=0, le=300)] = 60


class SmtpServer(Server):
    port: Annotated[int, Field(ge=1, le=65_535)] = 587
    security: Security = "starttls"


class ImapServer(Server):
    """``folder``: the one that is read."""

    port: Annotated[int, Field(ge=1, le=65_535)] = 993
    folder: Annotated[str, Field(min_length=1, max_length=500)] = "INBOX"


class EmailSettings(BaseModel):
    """One mailbox.

    Attributes:
        address: where customers write; replies come from it.
        name: shown beside the address of a reply.
        aliases: further addresses of the mailbox.
        relays: addresses or domains (contact forms, marketplaces) that pass on what people write; for those the customer is
            whom Reply-To names, and their "sent by a program" fields say nothing.
        token_secret, previous_token_secret: keys of the tokens in Message-IDs.
        plus_addresses: also put a token into Reply-To, for servers that replace Message-IDs; the mail server must deliver
            ``local+anything@domain`` to the mailbox.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    address: Address
    name: Annotated[str, Field(max_length=200)] = ""
    aliases: tuple[Address, ...] = ()
    relays: tuple[str, ...] = ()
    token_secret: Annotated[SecretStr, Field(min_length=16)] | None = None
    previous_token_secret: Annotated[SecretStr, Field(min_length=16)] | None = None
    plus_addresses: bool = False
    smtp: SmtpServer | None = None
    imap: ImapServer | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> EmailSettings:
        """Reads an inbound's settings.

        Raises:
            ConfigurationError: names the field, repeats no value.
        """
        try:
            return cls.model_validate(settings)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            raise ConfigurationError(f"mailbox setting {field}: {first['msg']}") from None

    @property
    def domain(self) -> str:
        """The right part of the address, in ASCII."""
        domain = self.address.rpartition("@")[2].lower()
        try:
            return domain.encode("idna").decode("ascii")
        except UnicodeError:
            return "localhost"

    @property
    def tokens(self) -> Tokens:
        secrets = (self.token_secret, self.previous_token_secret)
        return Tokens([secret.get_secret_value() for secret in secrets if secret is not None], self.domain)

    def owns(self, address: str) -> bool:
        """Whether ``address`` is this mailbox's, with or without a plus tag."""
        local, _, domain = address.lower().rpartition("@")
        bare = f"{local.partition('+')[0]}@{domain}"
        return any(own.lower() in (address.lower(), bare) for own in (self.address, *self.aliases))

    def relayed(self, address: str) -> bool:
        """Whether an admin called ``address``, its domain or a domain above it a relay."""
        domain = address.lower().rpartition("@")[2]
        return any(
            relay.lower().lstrip("@") in (address.lower(), domain) or domain.endswith(f".{relay.lower().lstrip('@.')}")
            for relay in self.relays
            if relay
        )
