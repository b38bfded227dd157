"""Makes clean training texts look like customers' messages: fragments, haste, shorthand, Arabizi, shop English."""

from __future__ import annotations

import random
import unicodedata

NAMES = (
    "iPhone", "Samsung Galaxy", "Xiaomi Redmi", "PlayStation", "Nintendo Switch", "Lenovo IdeaPad", "MacBook Air",
    "Bosch", "Philips", "Dyson", "LEGO", "Nike Air", "Adidas", "Puma", "Zara", "IKEA", "Sony", "JBL", "Canon",
    "Logitech", "Garmin", "Makita", "Braun", "Oral-B", "Nivea", "L'Oréal", "Maybelline", "Tefal", "DeLonghi",
    "Nespresso", "Kärcher", "Apple Watch", "AirPods", "Kindle", "Amazon", "eBay", "Allegro", "Tokopedia", "Shopee",
    "Zalando", "Walmart", "PayPal", "Visa", "Mastercard", "Klarna", "BLIK", "GoPay", "DHL", "UPS", "FedEx", "GLS",
    "DPD", "InPost", "JNE", "Aramex", "Royal Mail", "Hermes", "WhatsApp", "Instagram", "TikTok", "Google", "Windows",
    "Bluetooth", "USB", "HDMI", "LED", "Pro Max", "Ultra", "Plus", "Mini", "Premium", "Classic", "Anna", "Marco",
    "Ahmed", "Maria", "Peter", "Budi", "Kowalski", "Smith", "Istanbul", "Berlin", "Jakarta", "Warszawa", "Paris",
    "London", "Dubai",
)  # fmt: skip
SHOP_ENGLISH = (
    "order", "refund", "tracking", "tracking number", "checkout", "delivery", "status", "pending", "shipped",
    "delivered", "processing", "payment", "return", "cancel", "update", "online", "link", "app", "email", "e-mail",
    "code", "support", "please", "pls", "help", "sorry", "ok", "size", "black", "white", "ready", "stock", "sold out",
    "available", "seller", "voucher", "promo", "discount", "sale", "cashback", "in transit", "out for delivery",
    "asap", "feedback", "chat", "live chat", "account", "login", "password", "reset", "newsletter", "black friday",
    "click and collect", "fake", "original", "preorder", "slot", "thanks", "customer service", "hello", "6kg", "3pcs",
    "5min", "mp3", "ps5", "2in1", "error", "not found", "review", "rating", "express", "free shipping", "parcel",
)  # fmt: skip
NO_LATIN = frozenset({"ar", "fa", "ru", "uk", "bg", "zh", "ja", "be", "mk", "sr", "kk", "mn", "ur"})
ASCII = str.maketrans(
    {"ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ø": "o", "Ø": "O", "ı": "i", "æ": "ae", "Æ": "AE", "œ": "oe", "ß": "ss"}
)
TWO_LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "å": "aa", "ø": "oe", "æ": "ae"})
ARABIC_HASTE = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ة": "ه", "ؤ": "و", "ئ": "ي"})
SHORTHAND = {
    "id": {
        "yang": "yg", "tidak": "ga", "sudah": "udh", "belum": "blm", "dengan": "dgn", "untuk": "utk", "saya": "sy",
        "kenapa": "knp", "bagaimana": "gmn", "banget": "bgt", "kalau": "klo", "tapi": "tp", "juga": "jg",
        "sama": "sm", "bisa": "bs", "lagi": "lg", "barang": "brg", "tolong": "tlg", "dari": "dr", "kapan": "kpn",
        "berapa": "brp", "sekali": "bgt", "masih": "msh", "mau": "mo", "karena": "krn", "saja": "aja",
        "aku": "gw", "kamu": "lu",
        "jangan": "jgn", "orang": "org", "terus": "trs", "memang": "emang",
    },
    "ms": {
        "yang": "yg", "tidak": "tak", "sudah": "dah", "belum": "blm", "dengan": "dgn", "untuk": "utk", "saya": "sy",
        "kenapa": "knp", "bagaimana": "camne", "kalau": "klu", "tapi": "tp", "juga": "jgk", "boleh": "blh",
        "lagi": "lg", "barang": "brg", "dalam": "dlm", "tolong": "tlg", "mahu": "nak", "ingin": "nak",
        "mereka": "dorang", "ini": "ni", "itu": "tu", "sahaja": "je", "hendak": "nk",
        "jangan": "jgn", "orang": "org", "sangat": "sgt", "sebab": "sbb", "dekat": "kat", "bila": "ble",
        "tiada": "takde",
    },
}  # fmt: skip
# Each Arabic letter's usual spellings in Latin letters and digits, from Egypt to the Gulf and the Maghreb.
ROMAN = {
    "ا": ("a", "a", "e"), "أ": ("a", "2a", "o"), "إ": ("e", "i"), "آ": ("a", "aa"), "ء": ("2", ""), "ؤ": ("2", "o2"),
    "ئ": ("2", "e2"), "ب": ("b",), "ت": ("t",), "ث": ("th", "s", "t"), "ج": ("g", "j", "j"), "ح": ("7", "7", "h"),
    "خ": ("5", "kh", "7'"), "د": ("d",), "ذ": ("z", "th", "d"), "ر": ("r",), "ز": ("z",), "س": ("s",),
    "ش": ("sh", "ch", "sh"), "ص": ("s", "9"), "ض": ("d", "9'"), "ط": ("t", "6"), "ظ": ("z", "th"),
    "ع": ("3", "3", "a"), "غ": ("gh", "8", "3'"), "ف": ("f",), "ق": ("2", "q", "g", "9"), "ك": ("k",), "ل": ("l",),
    "م": ("m",), "ن": ("n",), "ه": ("h",), "و": ("w", "o", "ou"), "ي": ("y", "i", "ee"), "ى": ("a",),
    "ة": ("a", "eh", "e"),
}  # fmt: skip
GREEK = {
    "α": ("a",), "β": ("v", "b"), "γ": ("g",), "δ": ("d",), "ε": ("e",), "ζ": ("z",), "η": ("i", "h"), "θ": ("th", "8"),
    "ι": ("i",), "κ": ("k",), "λ": ("l",), "μ": ("m",), "ν": ("n",), "ξ": ("ks", "x", "3"), "ο": ("o",), "π": ("p",),
    "ρ": ("r",), "σ": ("s",), "ς": ("s",), "τ": ("t",), "υ": ("y", "u", "i"), "φ": ("f",), "χ": ("x", "h", "ch"),
    "ψ": ("ps",), "ω": ("o", "w"),
}  # fmt: skip
RUSSIAN = {
    "а": ("a",), "б": ("b",), "в": ("v",), "г": ("g",), "д": ("d",), "е": ("e",), "ё": ("yo", "e"), "ж": ("zh", "j"),
    "з": ("z",), "и": ("i",), "й": ("y", "j", "i"), "к": ("k",), "л": ("l",), "м": ("m",), "н": ("n",), "о": ("o",),
    "п": ("p",), "р": ("r",), "с": ("s",), "т": ("t",), "у": ("u",), "ф": ("f",), "х": ("h", "kh", "x"),
    "ц": ("ts", "c"), "ч": ("ch",), "ш": ("sh",), "щ": ("sch", "sh"), "ъ": ("",), "ы": ("y", "i"), "ь": ("", "'"),
    "э": ("e",), "ю": ("yu", "u"), "я": ("ya", "ja"),
}  # fmt: skip
ALPHABETS = {"el@latn": GREEK, "ru@latn": RUSSIAN}
CONSONANTS = frozenset("بتثجحخدذرزسشصضطظعغفقكلمنه")


def romanise(text: str, rng: random.Random) -> str:
    """Arabizi for an Arabic text: one writer's spelling of each letter, and short vowels guessed between consonants."""
    habit = {letter: rng.choice(spellings) for letter, spellings in ROMAN.items()}
    vowels = rng.choice(("aaei", "aeio", "eeai", "aiuu"))
    dense = rng.random() < 0.25  # Maghrebi writers leave most short vowels out
    words = []
    for word in text.split():
        spelt = []
        for at, letter in enumerate(word):
            spelt.append(habit.get(letter, "" if "\u0600" <= letter <= "\u06ff" else letter))
            follows = word[at + 1 : at + 2]
            if letter in CONSONANTS and follows in CONSONANTS and rng.random() < (0.25 if dense else 0.7):
                spelt.append(rng.choice(vowels))
        words.append("".join(spelt))
    return " ".join(words)


def transliterate(text: str, alphabet: dict[str, tuple[str, ...]], rng: random.Random) -> str:
    """A text in Latin letters, as one writer would spell it."""
    habit = {letter: rng.choice(spellings) for letter, spellings in alphabet.items()}
    bare = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if c not in "\u0301\u0308")
    return "".join(habit.get(letter, letter) for letter in unicodedata.normalize("NFC", bare))


def fold(text: str, *, two_letters: bool) -> str:
    """The text as typed without diacritics."""
    if two_letters:
        text = text.lower().translate(TWO_LETTERS)
    return "".join(c for c in unicodedata.normalize("NFD", text.translate(ASCII)) if not unicodedata.combining(c))


def roughen(name: str, text: str, rng: random.Random) -> str:
    """One training text: a fragment, often short, with the marks of hurried writing."""
    if name == "ar@latn" and not text.isascii():
        text = romanise(text, rng)
    elif alphabet := ALPHABETS.get(name):
        text = transliterate(text, alphabet, rng)
    elif name in ("ar", "fa") and rng.random() < 0.4:
        text = text.translate(ARABIC_HASTE)
    words = text.split() if name not in ("zh", "ja") else _signs(text, rng)
    if not words:
        return text
    if len(words) > 2 and rng.random() < 0.6:
        length = rng.choice((1, 2, 2, 3, 3, 4, 4, 5, 6, 8))
        at = rng.randrange(max(1, len(words) - length + 1))
        words = words[at : at + length]
    words = words[:40]
    if (habit := SHORTHAND.get(name)) and rng.random() < 0.35:
        words = [habit.get(word.lower().strip(".,!?"), word) for word in words]
    if name not in NO_LATIN:
        if rng.random() < 0.15:
            at = rng.randrange(len(words))
            words[at] = _typo(words[at], rng)
        if rng.random() < 0.25:
            words = fold(" ".join(words), two_letters=rng.random() < 0.3).split(" ")
        if len(words) >= 3:
            words = _mixed(name, words, rng)
    return " ".join(words)


def hasten(name: str, text: str, rng: random.Random) -> str:
    """The whole text as hurried people type it: meaning kept; without diacritics, with typos, shorthand or Arabizi."""
    if name == "ar":
        return romanise(text, rng) if rng.random() < 0.3 else text.translate(ARABIC_HASTE).rstrip(".!؟?")
    words = text.split()
    if not words:
        return text
    if habit := SHORTHAND.get(name):
        words = [habit.get(word.lower().strip(".,!?"), word) for word in words]
    if rng.random() < 0.5:
        at = rng.randrange(len(words))
        words[at] = _typo(words[at], rng)
    text = " ".join(words)
    return text if name in NO_LATIN or rng.random() < 0.3 else fold(text, two_letters=rng.random() < 0.3)


def _signs(text: str, rng: random.Random) -> list[str]:
    at = rng.randrange(max(1, len(text) - 4))
    return [text[at : at + rng.choice((2, 3, 4, 6, 10, 30))]]


def _mixed(name: str, words: list[str], rng: random.Random) -> list[str]:
    if rng.random() < 0.12:
        words.insert(rng.randrange(len(words) + 1), rng.choice(NAMES))
    if name != "en" and rng.random() < 0.12:
        for _ in range(rng.randint(1, max(1, len(words) // 3))):
            words.insert(rng.randrange(len(words) + 1), rng.choice(SHOP_ENGLISH))
    return words


def _typo(word: str, rng: random.Random) -> str:
    if len(word) < 4:
        return word
    at = rng.randrange(len(word) - 1)
    return rng.choice(
        (
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
        )
    )


def noise(rng: random.Random) -> str:
    """A text in no language: keys struck at random, or names and codes alone."""
    if rng.random() < 0.5:
        return " ".join(rng.sample(NAMES, rng.randint(1, 3)))
    return " ".join(
        "".join(rng.choices("asdfghjklqwertyuiopzxcvbnm", k=rng.randint(3, 9))) for _ in range(rng.randint(1, 3))
    )
