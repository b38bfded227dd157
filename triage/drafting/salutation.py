"""Names that a reply may address: what stands in a profile is often a handle, a placeholder, or somebody's message."""

from __future__ import annotations

import unicodedata

LONGEST = 60
"""Characters; nobody greets with more, and a longer text in a name field is no name."""

_NOBODY = frozenset({
    "guest", "visitor", "customer", "client", "user", "buyer", "member", "anonymous", "unknown", "kunde",
    "kundin", "gast", "benutzer", "käufer", "käuferin", "anonym", "amazon-kunde", "klient", "klientka", "gość",
    "kupujący", "użytkownik", "cliente", "ospite", "utente", "acquirente", "anonimo", "huésped", "invitado",
    "invitada", "usuario", "comprador", "convidado", "utilizador", "visitante", "anónimo", "anônimo", "invité",
    "visiteur", "acheteur", "utilisateur", "anonyme", "klant", "bezoeker", "gebruiker", "koper", "anoniem",
    "müşteri", "misafir", "kullanıcı", "ziyaretçi", "zákazník", "zákaznice", "host", "uživatel", "návštěvník",
    "anonymní", "pelanggan", "pembeli", "tamu", "pengguna", "pengunjung", "زائر", "ضيف", "عميل", "زبون",
    "مستخدم", "مشتري", "العميل", "amazon-customer",
})  # fmt: skip
_PLATFORMS = frozenset({"amazon", "ebay", "walmart", "allegro", "tokopedia", "google", "facebook", "instagram", "an"})


def addressable(name: str | None) -> str:
    """``name`` as a greeting may use it; empty where it is a handle, a placeholder such as "Guest", or no name at all.

    Braces are harmless, line breaks and links are not: whoever fills in a profile must not write the shop's reply.
    """
    plain = " ".join((name or "").split())
    if not plain or len(plain) > LONGEST or plain != (name or "").strip():
        return ""
    if not any(character.isalpha() for character in plain):
        return ""
    if any(character in "@_/\\<>#|*=:;!?" or character.isdigit() or _invisible(character) for character in plain):
        return ""
    words = [word for word in plain.casefold().split() if word not in _PLATFORMS]
    return "" if not words or (len(words) == 1 and words[0] in _NOBODY) else plain


def _invisible(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Co", "Cs"} and character not in "\u200c\u200d"
