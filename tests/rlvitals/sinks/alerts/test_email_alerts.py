"""E-mail alerts, sent to a local server."""

import base64
import datetime as dt
import email
import email.message
import email.policy
import ipaddress
import socketserver
import ssl
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rlvitals.records import Event, Record
from rlvitals.sinks import Sink
from rlvitals.sinks.alerts import DeliveryError, EmailAlerts
from rlvitals.testing.sinks import SinkContract

MakeFinding = Callable[..., Event]
SECRET = "pa55-abc123"  # noqa: S105 - not a real password


class MailServer(socketserver.ThreadingTCPServer):
    """Server that implements the part of RFC 5321 used by `smtplib`, and responds to commands as configured."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, tls: ssl.SSLContext | None = None, *, wrapped: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), Session)
        self.tls = tls
        self.wrapped = wrapped
        self.answers: dict[str, str] = {}
        self.messages: list[email.message.EmailMessage] = []
        self.commands: list[tuple[str, bool]] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def handle_error(self, *_: object) -> None:
        """Ignore clients that do not trust the certificate and disconnect."""


class Session(socketserver.StreamRequestHandler):
    server: MailServer

    def setup(self) -> None:
        self.secured = False
        if self.server.wrapped:
            self._secure()
        super().setup()

    def _secure(self) -> None:
        assert self.server.tls is not None
        self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        self.secured = True

    def finish(self) -> None:
        super().finish()
        self.request.close()  # the server closes only the socket below TLS

    def handle(self) -> None:
        self._say(self.server.answers.get("greeting", "220 ready"))
        while line := self.rfile.readline().decode().strip():
            verb = line.split()[0].upper()
            self.server.commands.append((line, self.secured))
            answer = self.server.answers.get(verb)
            if answer is not None:
                self._say(answer)
            elif verb == "EHLO":
                offers = ["STARTTLS"] * (self.server.tls is not None and not self.secured)
                self._say("250-here", *(f"250-{offer}" for offer in offers), "250 AUTH PLAIN")
            elif verb == "STARTTLS":
                self._say("220 go")
                self._secure()
                self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", 0)
            elif verb == "AUTH":
                self._say("235 known")
            elif verb == "DATA":
                self._say("354 go")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.messages.append(email.message_from_bytes(b"".join(lines), policy=email.policy.default))
                self._say("250 taken")
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 fine")

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and self-signed certificate for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "both.pem"
    kept = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, *kept) + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def trusting(certificate: Path) -> ssl.SSLContext:
    """TLS context that trusts the certificate."""
    return ssl.create_default_context(cafile=str(certificate))


@pytest.fixture
def serve(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., MailServer]]:
    """Return a function that creates a server with or without TLS."""
    for variable in ("HOST", "PORT", "USER", "PASSWORD", "SECURITY"):
        monkeypatch.delenv(f"RLVITALS_SMTP_{variable}", raising=False)
    made: list[MailServer] = []

    def make(*, secure: bool = True, wrapped: bool = False) -> MailServer:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
        made.append(MailServer(tls if secure else None, wrapped=wrapped))
        threading.Thread(target=made[-1].serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return made[-1]

    yield make
    for server in made:
        server.shutdown()
        server.server_close()


class TestContract(SinkContract):
    kinds = frozenset()  # alerts cannot be read back as records

    @pytest.fixture(autouse=True)
    def _served(self, serve: Callable[..., MailServer]) -> None:
        self.server = serve(secure=False)

    def make_sink(self) -> Sink:
        return plain(self.server)

    def taken(self, sink: Sink) -> list[Record]:
        del sink
        return []


def plain(server: MailServer, **options: Any) -> EmailAlerts:
    asked: dict[str, Any] = {"host": "127.0.0.1", "port": server.port, "security": "none"}
    return EmailAlerts("me@example.org", **(asked | options))


def refusal(sink: Sink, record: Record) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        sink.write(record)
    return caught.value


def test_an_alert_is_a_plain_text_e_mail(serve: Callable[..., MailServer], finding: MakeFinding) -> None:
    """The subject is the title of the alert, and all recipients get it."""

    server = serve(secure=False)
    sink = EmailAlerts(
        ["me@example.org", "you@example.org"],
        host="127.0.0.1",
        port=server.port,
        security="none",
        sender="run@example.org",
    )
    sink.write(finding(message="Die Verluste sind ∞."))
    (message,) = server.messages
    assert message["Subject"] == "[rlvitals] critical: kl-too-large"
    assert (message["From"], message["To"]) == ("run@example.org", "me@example.org, you@example.org")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content().splitlines()[:2] == ["Die Verluste sind ∞.", "step: 20,480"]
    # Python 3.13 sends commands in upper case.
    assert [line.upper() for line, _ in server.commands if line.upper().startswith("RCPT")] == [
        "RCPT TO:<ME@EXAMPLE.ORG>",
        "RCPT TO:<YOU@EXAMPLE.ORG>",
    ]


@pytest.mark.parametrize("security", ["starttls", "ssl"])
def test_the_password_goes_through_tls(
    serve: Callable[..., MailServer], trusting: ssl.SSLContext, finding: MakeFinding, security: Any
) -> None:
    """TLS starts with the connection, or with STARTTLS."""

    server = serve(wrapped=security == "ssl")
    plain(server, security=security, tls=trusting, user="me", password=SECRET).write(finding())
    login = base64.b64encode(f"\0me\0{SECRET}".encode()).decode()
    assert (f"AUTH PLAIN {login}", True) in server.commands
    assert len(server.messages) == 1


def test_a_server_with_an_untrusted_certificate_gets_nothing(
    serve: Callable[..., MailServer], finding: MakeFinding
) -> None:
    """Neither the login nor the message is sent."""

    server = serve()
    error = refusal(plain(server, security="starttls", user="me", password=SECRET), finding())
    assert str(error) == "127.0.0.1 has an untrusted certificate: self-signed certificate"
    assert [line.split()[0].upper() for line, _ in server.commands] == ["EHLO", "STARTTLS"]


def test_a_server_without_starttls_gets_nothing(serve: Callable[..., MailServer], finding: MakeFinding) -> None:
    """The login is not sent unencrypted instead."""

    server = serve(secure=False)
    error = refusal(plain(server, security="starttls", user="me", password=SECRET), finding())
    assert (str(error), error.again) == ("127.0.0.1 does not offer STARTTLS", False)
    assert not [line for line, _ in server.commands if "AUTH" in line]


@pytest.mark.parametrize(
    ("verb", "answer", "said", "again"),
    [
        ("AUTH", f"535 no, {SECRET} is wrong", "rejected the login (535)", False),
        ("MAIL", "451 later", "rejected the message (451)", True),
        ("RCPT", "550 unknown", "rejected the addresses [550]", False),
        ("RCPT", "450 busy", "rejected the addresses [450]", True),
        ("greeting", "421 closing", "rejected the message (421)", True),
    ],
)
def test_a_rejection_is_reported_only_by_its_code(
    serve: Callable[..., MailServer], finding: MakeFinding, verb: str, answer: str, said: str, again: bool
) -> None:
    """The response of the server can repeat the password. A rejection with a code of 400 to 499 is retried."""

    server = serve(secure=False)
    server.answers[verb] = answer
    sink = plain(server, user="me", password=SECRET)
    error = refusal(sink, finding())
    assert said in str(error)
    assert error.again is again
    shown = [*traceback.format_exception(error), repr(sink), str(vars(sink))]
    assert SECRET not in "".join(shown)


def test_the_error_for_an_unreachable_server_has_its_name(
    serve: Callable[..., MailServer], finding: MakeFinding
) -> None:
    """The alert is retried later."""

    server = serve(secure=False)
    error = refusal(plain(server, port=1), finding())
    assert (str(error), error.again) == ("127.0.0.1 cannot be reached: Connection refused", True)


def test_a_password_that_cannot_be_sent_is_not_shown(serve: Callable[..., MailServer], finding: MakeFinding) -> None:
    """The error of Python would include it."""

    error = refusal(plain(serve(secure=False), user="me", password=f"{SECRET}ä"), finding())
    assert str(error) == "127.0.0.1: the message or the login cannot be encoded: UnicodeEncodeError"
    assert error.__context__ is None


def test_settings_can_come_from_the_environment(
    serve: Callable[..., MailServer], finding: MakeFinding, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scripts do not have to contain a password."""

    server = serve(secure=False)
    for name, value in {
        "EMAIL_TO": "a@example.org, b@example.org",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(server.port),
        "SMTP_SECURITY": "none",
        "SMTP_USER": "me",
        "SMTP_PASSWORD": SECRET,
    }.items():
        monkeypatch.setenv(f"RLVITALS_{name}", value)
    EmailAlerts().write(finding())
    assert server.messages[0]["To"] == "a@example.org, b@example.org"
    assert any(line.startswith("AUTH PLAIN") for line, _ in server.commands)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"to": None}, "RLVITALS_EMAIL_TO"),
        ({"host": None}, "RLVITALS_SMTP_HOST"),
        ({"to": "me"}, "'me' is not an e-mail address"),
        ({"to": ["me@example.org\nBcc: x@example.org"]}, "is not an e-mail address"),
        ({"security": "tls"}, "security='tls': must be one of 'starttls', 'ssl', 'none'"),
        ({"port": 0}, "port=0"),
        ({"port": "smtp"}, "port='smtp'"),
        ({"security": "none", "password": SECRET}, "would send the password to mail.example.org unencrypted"),
    ],
)
def test_invalid_settings_are_rejected(monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], said: str) -> None:
    """They are rejected when the channel is created, and the error excludes the password."""

    monkeypatch.delenv("RLVITALS_EMAIL_TO", raising=False)
    monkeypatch.delenv("RLVITALS_SMTP_HOST", raising=False)
    asked: dict[str, Any] = {"to": "me@example.org", "host": "mail.example.org"}
    with pytest.raises(ValueError, match=said) as caught:
        EmailAlerts(**(asked | options))
    assert SECRET not in str(caught.value)


def test_hostile_text_cannot_add_a_header(serve: Callable[..., MailServer], finding: MakeFinding) -> None:
    """A line break in a code is escaped in the subject."""

    server = serve(secure=False)
    plain(server).write(finding("a\r\nBcc: x@example.org"))
    assert server.messages[0]["Bcc"] is None
    assert server.messages[0]["Subject"] == r"[rlvitals] critical: a\r\nBcc: x@example.org"
