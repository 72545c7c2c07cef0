"""Masking of secrets: keys, passwords and webhooks are replaced by `***` before anything is written.

A secret is recognised by the name of its setting or option (`api_key`, `--password`, `HF_TOKEN=...`) or by its format
(`sk-...`, `ghp_...`, a Slack webhook, `https://user:password@host`). No list covers all secrets, so `Masking` accepts
further patterns.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from rlvitals.records.secret_names import is_secret_name

MASK = "***"
"""Replacement for a secret."""

_FORMS = re.compile(
    r"""
    -----BEGIN\ [A-Z0-9 ]+-----.*?(?:-----END\ [A-Z0-9 ]+-----|\Z)         # PEM
    | (?<![\w-]) (?:
        sk-(?:(?=[\w-]*\d)[\w-]{8,}|[A-Za-z]{20,}) | [srp]k_(?:live|test)_\w{8,}  # OpenAI, Anthropic; Stripe
      | gh[pousr]_\w{8,} | github_pat_\w{8,} | glpat-[\w-]{8,}             # GitHub, GitLab
      | xox[a-z]-[\w-]{6,} | xapp-[\w-]{8,}                                # Slack
      | (?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}                               # AWS
      | hf_(?:(?=[A-Za-z]*\d)[A-Za-z0-9]{8,}|[A-Za-z]{24,})                # Hugging Face
      | AIza[\w-]{30,} | ya29\.[\w-]{16,} | GOCSPX-[\w-]{16,}              # Google
      | npm_[A-Za-z0-9]{30,} | pypi-[\w-]{30,} | dop_v1_[0-9a-f]{30,}
      | SG\.[\w-]{16,}\.[\w-]{16,} | r8_[A-Za-z0-9]{30,} | gsk_[A-Za-z0-9]{20,} | nvapi-[\w-]{20,} | xai-[\w-]{20,}
      | wandb_v\d_\w{20,}
      | eyJ[\w-]{6,}\.[\w-]{6,}(?:\.[\w-]*)?                               # JSON Web Token
      | \d{8,10}:AA[\w-]{33}                                               # Telegram
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_SCHEME = r"(?<![a-z0-9+.\-])[a-z][a-z0-9+.\-]*+://"
_ADDRESSES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?P<kept>://hooks\.slack(?:-gov)?\.com/)[^\s\"'<>]+",
        r"(?P<kept>://(?:\w+\.)?discord(?:app)?\.com/api/(?:v\d+/)?webhooks/)[^\s\"'<>]+",
        r"(?P<kept>://(?:[\w-]+\.)?webhook\.office\.com/)[^\s\"'<>]+",
        r"(?P<kept>://outlook\.office(?:365)?\.com/webhook/)[^\s\"'<>]+",
        r"(?P<kept>://api\.telegram\.org/bot)[^\s\"'<>/]+",
        # A password can contain characters that end an address, unless the text after the first colon is a port.
        rf"(?P<kept>{_SCHEME})[^\s/?#\"'<>@:]*+:[^\s/?#\"'<>]*(?=@)",
        rf"(?P<kept>{_SCHEME})[^\s/?#\"'<>@:]++:(?!\d*(?:[/?#]|$))[^\s\"'<>@]{{0,200}}+(?=@)",
        r"(?P<kept>\bhttps?://)(?!git@)[^\s/?#\"'<>@:]++(?=@)",
        r"(?P<kept>[?&;](?:[\w.\-]*[_.\-])?(?:key|sig|signature|credential)=)[^&;#\s\"'<>]+",
    )
)
_HEADERS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?P<kept>\bAuthorization[\"']?\s*[:=]\s*[\"']?)(?:\w+\s+)?[^\s\"',}]+",
        r"(?P<kept>\bBearer\s+)[\w.~+/=\-]{8,}",
    )
)
_FORM_HINTS = (
    *("-----B", "sk-", "k_live_", "k_test_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox"),
    *("xapp-", "AKIA", "ASIA", "ABIA", "ACCA", "hf_", "AIza", "ya29.", "GOCSPX-", "npm_", "pypi-", "dop_v1_", "SG."),
    *("r8_", "gsk_", "nvapi-", "xai-", "wandb_v", "eyJ", ":AA"),
)
_HEADER_HINTS = ("uthorization", "UTHORIZATION", "earer", "EARER")
_NAME_HINTS = (
    *("key", "token", "pass", "secret", "cred", "auth", "pwd", "cookie", "webhook", "dsn", "bearer", "jwt", "csrf"),
    "conn",
)
"""Substrings of which a text must contain one for a pattern to match. Most texts contain none and skip the patterns."""
_SHORTEST = 6
"""Minimum length of a text that can hold a secret, in characters."""

_NAMED = re.compile(r"(?<![\w.\-])(?P<name>[\w.\-]++)(?P<is>(?:\\?[\"']\]?)?\s*[:=]\s*)")
"""Name before a value: in Python, JSON, YAML, a shell or a message."""
_PASSED = re.compile(
    r"(?<![\w\-])(?P<name>--[\w.\-]+)(?:[ \t]+[\"']?|[\"'],\s*[\"'])(?P<secret>[^\s\"'\-][^\s\"']{2,})"
)
"""An option and its value, in a shell command or in a Python list of words."""
_QUOTED = re.compile(r"[rbuf]?(?P<quote>\\?[\"'])(?P<secret>[^\n]{3,}?)(?P=quote)")
_BARE = re.compile(r"(?P<secret>[^\s,;&()\[\]{}'\"<>\\]{3,}+)(?![(\[])")
_NAME_KEYS = ("name", "key")
_WIDEST_INDENT = 80
_INDENTED = (" ", "\t")

_OPTION = re.compile(r"([-+~/]*[A-Za-z_][\w.\-/]*)=(.*)", re.DOTALL)
_LEAST, _SURELY = 8, 16
"""Minimum length of an environment variable's value to count as a secret: with a digit, and without."""
_FOLDERS = frozenset({"PWD", "OLDPWD"})
"""Variables that hold the shell's working folders. Their names look like passwords."""


class Masking:
    """Finds secrets in settings, command lines and texts, and masks them.

    Args:
        patterns: Additional regular expressions, case-insensitive. A setting is masked if a pattern matches anywhere in
            its name. In a text, each match is masked.
        enabled: Whether to mask at all.
        environment: Environment variables. Values of variables with a secret's name are masked wherever they occur.

    Raises:
        ValueError: A pattern is not a valid regular expression.
    """

    def __init__(
        self, patterns: Iterable[str] = (), *, enabled: bool = True, environment: Mapping[str, str] | None = None
    ) -> None:
        self.enabled = enabled
        self._patterns = [_compiled(pattern) for pattern in patterns]
        values = sorted(set(_secrets_of(environment or {})), key=len, reverse=True)
        self._known = [re.compile("|".join(map(re.escape, values)))] if values else []

    def settings(self, tree: Any) -> Any:
        """Mask a tree of plain values: dicts, lists, texts, numbers, bools and `None`.

        Bools, `None` and empty texts are never masked. A number is masked if the word that marks a secret is the last
        word of the name: `password`, not `password_length`. The tree itself is not modified.
        """
        return self._masked(tree, "", secret=False) if self.enabled else tree

    def command(self, words: Iterable[str]) -> list[str]:
        """Mask the words of a command line: `--token=X`, `--token X`, `api_key=X`, addresses, texts in JSON."""
        if not self.enabled:
            return list(words)
        masked: list[str] = []
        expected = False
        for word in words:
            option = _OPTION.fullmatch(word)
            names = option is None and word.startswith("-") and self._is_secret(word)
            if expected and not word.startswith("--"):
                masked.append(MASK if word else word)
            elif option and option[2] and self._is_secret(option[1]):
                masked.append(f"{option[1]}={MASK}")
            else:
                masked.append(word if names else self.text(word))
            expected = names and not expected
        return masked

    def text(self, text: str) -> str:
        """Mask parts of a text that have the format of a secret or are assigned to a secret's name."""
        return self._scanned(text, lambda *_: True) if self.enabled else text

    def traceback(self, text: str) -> str:
        """Mask a traceback. In its code, `token="..."` and `"TOKEN=..."` are masked, but `token=token` is not."""
        return self._scanned(text, _is_text) if self.enabled else text

    def _masked(self, tree: Any, name: str, *, secret: bool) -> Any:
        if isinstance(tree, str):
            return (tree and MASK) if secret else self.text(tree)
        if isinstance(tree, dict):
            masked: dict[str, Any] = {}
            # A list of variables: {"name": "API_KEY", "value": "..."}
            named = next((tree[key] for key in _NAME_KEYS if isinstance(tree.get(key), str)), "")
            pair = bool(named) and "value" in tree and self._is_secret(named)
            for key, value in tree.items():
                shown = _formed(key)
                while shown in masked:  # two masked keys stay two entries
                    shown += "*"
                of_pair = pair and key == "value"
                masked[shown] = self._masked(value, key, secret=secret or of_pair or self._is_secret(key))
            return masked
        if isinstance(tree, list | tuple):
            if secret or not all(isinstance(value, str) for value in tree):
                return [self._masked(value, name, secret=secret) for value in tree]
            return self.command(tree)
        is_number = tree is not None and not isinstance(tree, bool)
        return MASK if secret and is_number and self._is_secret(name, at_end=True) else tree

    def _scanned(self, text: str, may_be_bare: Callable[[str, int], bool]) -> str:
        for pattern in (*self._known, *self._patterns):
            text = pattern.sub(MASK, text)
        text = _formed(text)
        if len(text) < _SHORTEST or not (self._patterns or _has(text.lower(), _NAME_HINTS)):
            return text
        if "--" in text:
            text = _PASSED.sub(self._passed, text)
        parts: list[str] = []
        done = 0
        for named in _NAMED.finditer(text):
            if named.start() < done or not self._is_secret(named["name"]):
                continue
            value = _QUOTED.match(text, named.end())
            if value is None and may_be_bare(text, named.start("name")):
                value = _BARE.match(text, named.end()) if named["is"] == "=" or _is_entry(text, named) else None
            if value is not None:
                parts += text[done : value.start("secret")], MASK
                done = value.end("secret")
        return "".join((*parts, text[done:])) if parts else text

    def _passed(self, option: re.Match[str]) -> str:
        kept = option[0].removesuffix(option["secret"])
        return f"{kept}{MASK}" if self._is_secret(option["name"]) else option[0]

    def _is_secret(self, name: str, *, at_end: bool = False) -> bool:
        return is_secret_name(name, at_end=at_end) or any(pattern.search(name) for pattern in self._patterns)


def _formed(text: str) -> str:
    if len(text) < _SHORTEST:
        return text
    if _has(text, _FORM_HINTS):
        text = _FORMS.sub(MASK, text)
    patterns = (*(_ADDRESSES if "://" in text else ()), *(_HEADERS if _has(text, _HEADER_HINTS) else ()))
    for pattern in patterns:
        text = pattern.sub(rf"\g<kept>{MASK}", text)
    return text


def _is_entry(text: str, named: re.Match[str]) -> bool:
    """Return whether a name is the key of a YAML entry: `name: value` on a separate line, or in braces."""
    before = text[max(0, named.start() - _WIDEST_INDENT) : named.start()].rstrip(" \t-")
    return named["is"][0] == ":" and named["is"] != ":" and (not before or before[-1] in "\n{,")


def _is_text(trace: str, at: int) -> bool:
    """Return whether a position in a traceback is in a message, or in a string literal of a code line."""
    before = trace[trace.rfind("\n", 0, at) + 1 : at]
    return not before.startswith(_INDENTED) or before.count('"') % 2 == 1 or before.count("'") % 2 == 1


def _has(text: str, parts: tuple[str, ...]) -> bool:
    for part in parts:  # a loop, because a generator takes twice as long on a short text  # noqa: SIM110
        if part in text:
            return True
    return False


def _secrets_of(environment: Mapping[str, str]) -> Iterator[str]:
    for name, value in environment.items():
        ours = name.startswith("RLVITALS_") and name.endswith(("_URL", "_PASSWORD"))
        long = len(value) >= _SURELY or (len(value) >= _LEAST and any(sign.isdigit() for sign in value))
        if long and name not in _FOLDERS and (ours or is_secret_name(name)):
            yield value


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise ValueError(
            f"mask_secrets: {pattern!r} is not a regular expression ({error}). Escape its special characters."
        ) from None


DEFAULT_MASKING = Masking()
"""Masking with only the built-in rules."""
