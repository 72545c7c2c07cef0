"""Masking of secrets, recognised by name or format."""

import math

import pytest

from rlvitals.records.masking import DEFAULT_MASKING, MASK, Masking
from rlvitals.records.secret_names import is_secret_name

# Split in two so that repository scanners do not report them as real secrets.
GITHUB = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
OPENAI = "sk-" + "proj-abc123DEF456ghi789JKL012mno345"
SLACK = "xoxb-" + "123456789012-abcdefGHIJKL"
AWS = "AKIA" + "IOSFODNN7EXAMPLE"
FACE = "hf_" + "abcdefghijABCDEFGHIJabcdefghijABCD"
JWT = "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVPmB92K27uhbUJU1p1r"
PEM = "-----BEGIN RSA PRIVATE " + "KEY-----\nMIIEow\nIBAAK\n-----END RSA PRIVATE KEY-----"
HOOK = "https://hooks.slack.com/" + "services/T000/B000/XXXX"
DISCORD = "https://discord.com/api/" + "webhooks/123/abc-DEF"
FORMS = (GITHUB, OPENAI, SLACK, AWS, FACE, JWT, PEM)


@pytest.mark.parametrize(
    "name",
    [
        *("api_key", "apikey", "apiKey", "API_KEY", "x-api-key", "openai_api_key", "OPENAI_API_KEY", "wandb.api_key"),
        *("password", "Passwd", "smtp_password", "dbPassword", "db_pass", "PGPASSWORD", "mypassword", "passphrase"),
        *("secret", "client_secret", "clientSecret", "SECRET_KEY", "aws_secret_access_key", "secrets"),
        *("token", "hf_token", "HFToken", "github-token", "auth_token", "token_github", "api_tokens", "--token"),
        *("credentials", "credential", "private_key", "privateKey", "ssh_key", "authorization", "Authorization"),
        *("cookie", "session_cookies", "webhook", "webhook_url", "slackWebhookUrl", "sentry_dsn", "DSN", "auth"),
        *("connection_string", "aws_access_key_id", "jwt"),
    ],
)
def test_names_of_secrets(name: str) -> None:
    """Names of secrets are recognised in any case and style."""
    assert is_secret_name(name)
    assert DEFAULT_MASKING.settings({name: "value"}) == {name: MASK}
    assert DEFAULT_MASKING.text(f"{name}='value'") == f"{name}='{MASK}'"


@pytest.mark.parametrize(
    "name",
    [
        *("tokens", "max_tokens", "maxNewTokens", "tokenizer", "tokenizer_name", "tokenization", "n_token_layers"),
        *("token_count", "token_embedding_dim", "pad_token", "eos_token", "eosToken", "mask_token", "per_token_kl"),
        *("key", "keys", "rng_key", "obs_key", "keyboard", "monkey", "hockey", "api", "access", "use_auth_token"),
        *("pass", "forward_pass", "bypass", "passes", "compass", "secretary", "author", "authors", "authority"),
        *("learning_rate", "policy", "session_id", "cookiecutter", "accredited", "hook", "web", "pin"),
    ],
)
def test_names_of_other_settings(name: str) -> None:
    """Similar words are not mistaken for secrets."""
    assert not is_secret_name(name)
    assert DEFAULT_MASKING.settings({name: "value"}) == {name: "value"}


def test_numbers_and_bools_are_kept_unless_the_name_ends_with_the_secret() -> None:
    """A token count is not a token, and a bool is not a password."""
    kept = {
        "token_count": 5,
        "max_new_tokens": 256,
        "password_length": 12,
        "webhook_timeout_s": 5.0,
        "use_token": True,
        "token": False,
        "api_key": None,
        "secret": "",
        "lr": 3e-4,
        "gamma": math.inf,
    }

    assert DEFAULT_MASKING.settings(kept) == kept
    assert DEFAULT_MASKING.settings({"password": 1234, "token": 5.5}) == {"password": MASK, "token": MASK}


def test_nested_values_are_masked() -> None:
    """Dicts keep their keys, so that the setting stays visible, and the original is not modified."""
    tree = {
        "env": {"id": "CartPole-v1", "remote": {"apiKey": "abc", "port": 80}},
        "credentials": {"user": "ada", "retries": 3, "keys": ["a", "b"]},
        "sinks": [{"kind": "slack", "url": HOOK}, {"kind": "mail", "smtp_password": "abc"}],
        "hidden": [64, 64],
        "argv": ["train.py", "--token", "abc", "--lr", "0.1"],
    }
    before = repr(tree)

    assert DEFAULT_MASKING.settings(tree) == {
        "env": {"id": "CartPole-v1", "remote": {"apiKey": MASK, "port": 80}},
        "credentials": {"user": MASK, "retries": 3, "keys": [MASK, MASK]},
        "sinks": [{"kind": "slack", "url": f"https://hooks.slack.com/{MASK}"}, {"kind": "mail", "smtp_password": MASK}],
        "hidden": [64, 64],
        "argv": ["train.py", "--token", MASK, "--lr", "0.1"],
    }
    assert repr(tree) == before


def test_two_secret_keys_stay_two_entries() -> None:
    """Two masked keys, for example webhooks in a map to channels, do not overwrite each other."""
    assert DEFAULT_MASKING.settings({GITHUB: 1, GITHUB[:-1]: 2}) == {MASK: 1, f"{MASK}*": 2}


def test_variables_as_pairs_of_name_and_value_are_masked() -> None:
    """Lists of name and value pairs, as in a container specification, are masked."""
    given = [{"name": "API_KEY", "value": "abc"}, {"name": "SEED", "value": "1"}]

    assert DEFAULT_MASKING.settings({"env": given}) == {"env": [{"name": "API_KEY", "value": MASK}, given[1]]}


@pytest.mark.parametrize("secret", FORMS)
def test_secrets_are_recognised_by_their_format(secret: str) -> None:
    """A secret is masked on its own, in a sentence and in quotes, whatever its setting's name."""
    assert DEFAULT_MASKING.settings({"notes": secret}) == {"notes": MASK}
    assert DEFAULT_MASKING.text(f"refused {secret} today") == f"refused {MASK} today"
    assert secret not in DEFAULT_MASKING.text(f"{{'a': '{secret}'}}")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (HOOK, f"https://hooks.slack.com/{MASK}"),
        (f"POST {DISCORD}?wait=true failed", f"POST https://discord.com/api/webhooks/{MASK} failed"),
        ("postgresql://ada:s3cret@db.example.org:5432/runs", f"postgresql://{MASK}@db.example.org:5432/runs"),
        ("postgresql://ada:p@ssw0rd@db/runs", f"postgresql://{MASK}@db/runs"),
        ("redis://:s3cret@cache:6379/0", f"redis://{MASK}@cache:6379/0"),
        ("mongodb+srv://ada:p/w@db/runs", f"mongodb+srv://{MASK}@db/runs"),
        ("https://abcdef0123@o1.ingest.sentry.io/42", f"https://{MASK}@o1.ingest.sentry.io/42"),
        ("https://example.org/x?lr=1&token=abc123&y=2#z", f"https://example.org/x?lr=1&token={MASK}&y=2#z"),
        ("https://store/x?X-Amz-Signature=abc&X-Amz-Date=1", f"https://store/x?X-Amz-Signature={MASK}&X-Amz-Date=1"),
        ("Authorization: Bearer abcdef0123456789", f"Authorization: {MASK}"),
        ("-H 'Authorization: Basic YWRhOnB3'", f"-H 'Authorization: {MASK}'"),
        ("sent Bearer abcdef0123456789 twice", f"sent Bearer {MASK} twice"),
        ('{"api_key": "abcdef", "lr": 0.1}', f'{{"api_key": "{MASK}", "lr": 0.1}}'),
        ("Config(password='hunter2', lr=0.1)", f"Config(password='{MASK}', lr=0.1)"),
        ("{api_key: abcdef, lr: 0.1}", f"{{api_key: {MASK}, lr: 0.1}}"),
        ("refused for ada, password: hunter2", f"refused for ada, password: {MASK}"),
        ("HF_TOKEN=abcdef python train.py", f"HF_TOKEN={MASK} python train.py"),
        ("lr: 0.1\nsmtp_password: hunter2\n", f"lr: 0.1\nsmtp_password: {MASK}\n"),
        ("train --password hunter2 --lr 0.1", f"train --password {MASK} --lr 0.1"),
        ("Command '['train', '--token', 'abcdef']' failed", f"Command '['train', '--token', '{MASK}']' failed"),
        ("os.environ['WANDB_API_KEY'] = 'abcdef'", f"os.environ['WANDB_API_KEY'] = '{MASK}'"),
        ("https://outlook.office.com/webhook/a/b", f"https://outlook.office.com/webhook/{MASK}"),
    ],
)
def test_texts_with_secrets(text: str, masked: str) -> None:
    """Only the secret in a text is masked, and masking a masked text changes nothing."""
    assert DEFAULT_MASKING.text(text) == masked
    assert DEFAULT_MASKING.text(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "MlpPolicy",
        "<class 'torch.nn.modules.activation.ReLU'>",
        "https://example.org:8080/a/b@c?step=3",
        "http://localhost:8000/x:y@z",
        "ssh://git@github.com/org/repo.git",
        "https://git@github.com/org/repo.git",
        "git@github.com:org/repo.git",
        "ada@example.org",
        "sk-learn and risk-free-2024-report",
        "hf_hub_download",
        "/home/ada/keys/token.txt",
        "4f1c2a9d8e7b6a5c4d3e2f1a0b9c8d7e6f5a4b3c",
        "the tokenizer: Qwen2, max_tokens=512, pad_token='<pad>'",
        "2026-11-29T08:00:00+00:00",
        "invalid token: expected a number",
        "argument --token: expected one argument",
        "train --use-auth-token --max-tokens 500 --tokenizer gpt2",
        "if os.environ['WANDB_API_KEY'] == 'abcdef': x[token] = 'abcdef'",
    ],
)
def test_texts_without_secrets(text: str) -> None:
    """Texts without secrets are kept unchanged."""
    assert DEFAULT_MASKING.text(text) == text


@pytest.mark.parametrize(
    ("words", "masked"),
    [
        (["--api-key=abc", "--lr=0.1"], [f"--api-key={MASK}", "--lr=0.1"]),
        (["--token", "abc", "--lr", "0.1"], ["--token", MASK, "--lr", "0.1"]),
        (["--password", "-abc"], ["--password", MASK]),
        (["--password", "--lr", "0.1"], ["--password", "--lr", "0.1"]),
        (["--max-tokens", "5", "--tokenizer", "gpt2"], ["--max-tokens", "5", "--tokenizer", "gpt2"]),
        (["--use-auth-token", "train.py"], ["--use-auth-token", "train.py"]),
        (["WANDB_API_KEY=abc", "train"], [f"WANDB_API_KEY={MASK}", "train"]),
        (["+sinks.slack.webhook=abc"], [f"+sinks.slack.webhook={MASK}"]),
        (["--db", "postgres://ada:pw@db/x"], ["--db", f"postgres://{MASK}@db/x"]),
        (["--config", '{"api_key": "abcd"}'], ["--config", f'{{"api_key": "{MASK}"}}']),
        (["-c", "login(token='abcd')"], ["-c", f"login(token='{MASK}')"]),
        (["--token="], ["--token="]),
    ],
)
def test_command_lines(words: list[str], masked: list[str]) -> None:
    """Options, assignments and addresses in a command line are masked."""
    assert DEFAULT_MASKING.command(["python", *words]) == ["python", *masked]


def test_tracebacks_keep_their_code() -> None:
    """Only the message and string literals of a traceback are masked."""
    trace = (
        "Traceback (most recent call last):\n"
        '  File "train.py", line 3, in <module>\n'
        "    login(token=token, password='hunter2', key=os.environ['KEY'])\n"
        '    run("HF_TOKEN=abcdef x")\n'
        "ValueError: refused HF_TOKEN=abcdef\n"
    )

    assert DEFAULT_MASKING.traceback(trace) == trace.replace("hunter2", MASK).replace("abcdef", MASK)


def test_additional_patterns_apply_to_names_and_texts() -> None:
    """Additional patterns ignore case."""
    masking = Masking([r"badge", r"corp-[0-9a-f]{6}"])

    assert masking.settings({"staff_Badge": "7", "note": "of CORP-12ab34 here"}) == {
        "staff_Badge": MASK,
        "note": f"of {MASK} here",
    }
    assert masking.command(["--badge", "7"]) == ["--badge", MASK]


def test_an_invalid_pattern_is_refused() -> None:
    """The message shows the pattern and the fix."""
    with pytest.raises(ValueError, match=r"mask_secrets: '\(' is not a regular expression .* Escape"):
        Masking(["("])


def test_values_of_secret_variables_are_masked_everywhere() -> None:
    """Values without a known format, such as a Weights & Biases key, are masked too."""
    environment = {
        "WANDB_API_KEY": "4f1c2a9d8e7b6a5c4d3e2f1a0b9c8d7e6f5a4b3c",
        "RLVITALS_WEBHOOK_URL": "https://example.org/in/abc",
        "SECRET_NAME": "short",
        "HOME": "/home/ada0123456789",
        "PWD": "/work/ada0123456789",
        "OLDPWD": "/old/ada0123456789",
    }
    masking = Masking(environment=environment)

    assert masking.text(f"login({environment['WANDB_API_KEY']})") == f"login({MASK})"
    assert masking.settings({"to": "https://example.org/in/abc", "a": "short"}) == {"to": MASK, "a": "short"}
    for name in ("HOME", "PWD", "OLDPWD"):  # folders that the command line and the reproduction facts name
        assert masking.text(f"{environment[name]}/x") == f"{environment[name]}/x"


def test_the_working_folder_is_not_a_secret() -> None:
    """The name `PWD` looks like a password, but a run still shows its working folder."""
    masking = Masking(environment={"PWD": "/home/ada/projects/ppo", "OLDPWD": "/home/ada/projects"})

    assert masking.text("in /home/ada/projects/ppo") == "in /home/ada/projects/ppo"


def test_masking_can_be_disabled() -> None:
    """Disabled masking changes nothing."""
    off = Masking(enabled=False)

    assert off.settings({"api_key": "abc"}) == {"api_key": "abc"}
    assert off.command(["--token", "abc"]) == ["--token", "abc"]
    assert off.text(HOOK) == off.traceback(HOOK) == HOOK
