"""Names of settings, options and variables that hold secrets: `api_key`, `hfToken`, `SMTP_PASSWORD`."""

import re
from functools import lru_cache

_ANYWHERE = frozenset(
    {
        *("password", "passwords", "passwd", "passphrase", "passcode", "pwd", "userpass"),
        *("secret", "secrets", "credential", "credentials", "creds", "authorization", "bearer", "jwt", "csrf"),
        *("cookie", "cookies", "webhook", "webhooks", "dsn", "connectionstring", "connstr"),
        *("apikey", "apikeys", "accesskey", "secretkey", "privatekey", "privkey", "sshkey"),
        *("hftoken", "authtoken", "accesstoken", "apitoken", "bottoken", "sastoken"),
    }
)
"""Words that mark a secret anywhere in a name."""
_ENDINGS = ("password", "passwd", "apikey", "secret", "webhook")
"""Endings of compound words without a separator."""
_PAIRS = frozenset({("connection", "string"), ("conn", "str"), ("basic", "auth"), ("http", "auth"), ("proxy", "auth")})
_SERVICES = frozenset(
    {
        *("wandb", "openai", "anthropic", "hf", "huggingface", "aws", "azure", "gcp", "google", "github", "gitlab"),
        *("slack", "discord", "telegram", "comet", "neptune", "clearml", "sendgrid", "stripe", "twilio", "datadog"),
    }
)
_KEY_OF = _SERVICES | {
    *("api", "access", "secret", "private", "auth", "encryption", "decryption", "signing", "ssh", "gpg", "rsa"),
    *("license", "account", "service", "master", "deploy", "admin", "client", "subscription", "storage", "shared"),
}
"""Words before `key`. Other keys name an observation, a random generator or an entry."""
_TOKENS_OF = _SERVICES | {"api", "auth", "access", "refresh", "bearer", "bot", "session", "secret", "personal"}
"""Words before `token` and `tokens` that distinguish credentials from language-model tokens."""
_TOKEN_OF_TEXT = frozenset(
    {
        *("pad", "eos", "bos", "unk", "mask", "sep", "cls", "start", "stop", "end", "special", "first", "last", "next"),
        *("prev", "image", "video", "audio", "vision", "action", "state", "reward", "think", "tool", "decoder"),
        *("per", "each", "n", "num", "number", "max", "min", "total", "mean", "avg", "sum", "count", "counts", "limit"),
        *("budget", "length", "len", "size", "dim", "embed", "embedding", "embeddings", "layer", "layers", "level"),
        *("type", "types", "id", "ids", "index", "idx", "position", "weight", "weights", "prob", "probs", "logprob"),
        *("loss", "ratio", "rate", "entropy", "kl", "mixing", "dropout", "merging", "pooling", "bucket"),
    }
)
"""Words in a name with `token` that mark a language-model token or a counter."""
_PASS_OF = frozenset({"db", "database", "smtp", "mail", "email", "user", "mysql", "postgres", "pg", "redis", "mongo"})
"""Words before `pass`. Other passes are forward, backward or first."""
_SWITCH = frozenset({"use", "no", "with", "without", "enable", "disable", "require", "requires", "has", "is", "skip"})
"""First words of yes/no settings."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@lru_cache(maxsize=4096)
def is_secret_name(name: str, *, at_end: bool = False) -> bool:
    """Return whether a name refers to a secret.

    Args:
        name: Name in any case and style (`api_key`, `apiKey`, `--api-key`, `wandb.api_key`).
        at_end: Whether the word that marks a secret must be the last: `password`, not `password_length`.
    """
    words = tuple(word.lower() for word in _WORDS.findall(name))
    if not words or words[0] in _SWITCH:
        return False
    if words == ("auth",):
        return True
    return any(_is_secret_word(words, at) for at in ([len(words) - 1] if at_end else range(len(words))))


def _is_secret_word(words: tuple[str, ...], at: int) -> bool:
    word, before = words[at], words[at - 1] if at else ""
    if word == "token":
        return before in _TOKENS_OF or not _TOKEN_OF_TEXT.intersection(words)
    return (
        word in _ANYWHERE
        or word.endswith(_ENDINGS)
        or (before, word) in _PAIRS
        or (word in {"key", "keys"} and before in _KEY_OF)
        or (word == "tokens" and before in _TOKENS_OF)
        or (word == "pass" and before in _PASS_OF)
    )
