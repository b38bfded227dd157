"""Public language identifiers behind the scorer protocol: langdetect, lingua and py3langid.

All three are restricted to the configured languages and give the same answer for the same text every time. lingua and
py3langid are optional; asking for one that is not installed names the command that installs it.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from triage.errors import ConfigurationError

_PACKAGES = {
    "langdetect": "langdetect>=1.0.9",
    "lingua": "lingua-language-detector>=2.1",
    "py3langid": "py3langid>=0.4",
}


def _import(module: str, wanted_for: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = _PACKAGES[wanted_for]
        raise ConfigurationError(
            f"language backend {wanted_for!r} is not installed: pip install '{package}'"
        ) from error


class LangdetectScorer:
    """langdetect (Shuyo's language-detection) with its own factory: a fixed seed and the configured profiles only.

    The package's global factory is left alone. Chinese is two profiles there; Malay has none.
    """

    _PROFILES: Mapping[str, tuple[str, ...]] = {"nb": ("no",), "zh": ("zh-cn", "zh-tw")}

    def __init__(self, languages: Sequence[str]) -> None:
        self._error = _import("langdetect", "langdetect").LangDetectException
        self._factory = _import("langdetect.detector_factory", "langdetect").DetectorFactory()
        self._factory.seed = 0  # on the instance; every detection starts from it
        folder = resources.files("langdetect") / "profiles"
        self._code: dict[str, str] = {}
        profiles: list[str] = []
        for code in languages:
            for name in self._PROFILES.get(code, (code,)):
                if (folder / name).is_file():
                    profiles.append((folder / name).read_text(encoding="utf-8"))
                    self._code[json.loads(profiles[-1])["name"]] = code
        if len(profiles) < 2:
            raise ConfigurationError("language backend 'langdetect' needs at least two languages that it knows")
        self._factory.load_json_profile(profiles)

    @property
    def languages(self) -> tuple[str, ...]:
        """See ``Scorer``."""
        return tuple(dict.fromkeys(self._code.values()))

    def score(self, words: Sequence[str]) -> Mapping[str, float]:
        """See ``Scorer``."""
        detector = self._factory.create()
        # Words in capitals are ignored by it as abbreviations: a shouted message would have nothing left.
        detector.append(" ".join(word.lower() if word.isupper() else word for word in words))
        try:
            found = detector.get_probabilities()
        except self._error:
            return {}
        return _summed((self._code[entry.lang], float(entry.prob)) for entry in found)


class LinguaScorer:
    """lingua-py in its high-accuracy mode, which is deterministic."""

    def __init__(self, languages: Sequence[str]) -> None:
        lingua = _import("lingua", "lingua")
        by_code = {language.iso_code_639_1.name.lower(): language for language in lingua.Language.all()}
        self._languages = tuple(code for code in languages if code in by_code)
        if len(self._languages) < 2:
            raise ConfigurationError("language backend 'lingua' needs at least two languages that it knows")
        chosen = [by_code[code] for code in self._languages]
        self._detector = lingua.LanguageDetectorBuilder.from_languages(*chosen).build()

    @property
    def languages(self) -> tuple[str, ...]:
        """See ``Scorer``."""
        return self._languages

    def score(self, words: Sequence[str]) -> Mapping[str, float]:
        """See ``Scorer``."""
        found = self._detector.compute_language_confidence_values(_encodable(words))
        return _summed((entry.language.iso_code_639_1.name.lower(), float(entry.value)) for entry in found)


class Py3langidScorer:
    """py3langid with normalised probabilities."""

    def __init__(self, languages: Sequence[str]) -> None:
        module = _import("py3langid.langid", "py3langid")
        self._identifier = module.LanguageIdentifier.from_model_file(module.MODEL_FILE, norm_probs=True)
        known = set(self._identifier.labels)
        self._languages = tuple(code for code in languages if code in known)
        if self._languages:
            self._identifier.set_languages(self._languages)

    @property
    def languages(self) -> tuple[str, ...]:
        """See ``Scorer``."""
        return self._languages

    def score(self, words: Sequence[str]) -> Mapping[str, float]:
        """See ``Scorer``."""
        return _summed((code, float(p)) for code, p in self._identifier.rank(_encodable(words)))


def _encodable(words: Sequence[str]) -> str:
    # Both packages hand the text to UTF-8 code that refuses lone surrogates.
    return " ".join(words).encode("utf-8", "replace").decode("utf-8")


def _summed(entries: Any) -> Mapping[str, float]:
    total: dict[str, float] = {}
    for code, p in entries:
        if p > 0:
            total[code] = total.get(code, 0.0) + p
    return total


def langdetect_scorer(languages: Sequence[str]) -> LangdetectScorer:
    """The backend ``langdetect``."""
    return LangdetectScorer(languages)


def lingua_scorer(languages: Sequence[str]) -> LinguaScorer:
    """The backend ``lingua``."""
    return LinguaScorer(languages)


def py3langid_scorer(languages: Sequence[str]) -> Py3langidScorer:
    """The backend ``py3langid``."""
    return Py3langidScorer(languages)
