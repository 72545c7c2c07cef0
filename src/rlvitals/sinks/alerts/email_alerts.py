"""Alerts by e-mail."""

import contextlib
import email.message
import email.policy
import email.utils
import ipaddress
import os
import smtplib
import ssl
from collections.abc import Iterable
from typing import Any, Literal, get_args

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.sinks.alerts.alert import Alert
from rlvitals.sinks.alerts.alert_sink import AlertSink, DeliveryError
from rlvitals.sinks.alerts.posting import Secret, setting

Security = Literal["starttls", "ssl", "none"]

TIMEOUT_S = 30.0
PORTS: dict[Security, int] = {"starttls": 587, "ssl": 465, "none": 25}
_LONGEST_SUBJECT = 200
_US = "[127.0.0.1]"  # how this machine greets: its full name would be asked of the network, and need not be known


class EmailAlerts(AlertSink):
    """Sends each alert as an e-mail, over a connection of its own.

    Args:
        to: Addresses; by default those in `RLVITALS_EMAIL_TO`, with commas between them.
        host: The mail server; by default that in `RLVITALS_SMTP_HOST`.
        port: Its port; by default that in `RLVITALS_SMTP_PORT`, or else the usual one of `security`.
        sender: The address that it comes from; by default that in `RLVITALS_EMAIL_FROM`, or else the first in `to`.
        user: Who logs in, if anybody; by default who is in `RLVITALS_SMTP_USER`.
        password: By default that in `RLVITALS_SMTP_PASSWORD`. It is kept secret.
        security: `starttls`, `ssl` or `none`; by default that in `RLVITALS_SMTP_SECURITY`, or else `starttls`. Without
            it no password is sent, but to this machine itself.
        tls: What a certificate is judged by; by default the system's authorities.
        timeout_s: Longest wait for each answer of the server.
        clock: Tells the time.
        **rules: Which events, and how many: see `Rules`.

    Raises:
        ValueError: There is no server or address, or a setting that means nothing; no message holds the password.
    """

    known_as = "email"

    def __init__(
        self,
        to: str | Iterable[str] | None = None,
        *,
        host: str | None = None,
        port: int | None = None,
        sender: str | None = None,
        user: str | None = None,
        password: str | None = None,
        security: Security | None = None,
        tls: ssl.SSLContext | None = None,
        timeout_s: float = TIMEOUT_S,
        clock: Clock = SYSTEM_CLOCK,
        **rules: Any,
    ) -> None:
        super().__init__(clock=clock, **rules)
        self._to = _addresses(to if to is not None else os.environ.get("RLVITALS_EMAIL_TO", ""))
        self._host = setting(host, "RLVITALS_SMTP_HOST")
        if not self._to or not self._host:
            raise ValueError("e-mail needs `to` and `host`: give them, or set RLVITALS_EMAIL_TO and RLVITALS_SMTP_HOST")
        self._security = _security(setting(security, "RLVITALS_SMTP_SECURITY") or "starttls")
        self._port = _port(port if port is not None else setting(None, "RLVITALS_SMTP_PORT") or PORTS[self._security])
        self._sender = _addresses(setting(sender, "RLVITALS_EMAIL_FROM") or self._to[0])[0]
        self._user = setting(user, "RLVITALS_SMTP_USER")
        self._password = Secret(setting(password, "RLVITALS_SMTP_PASSWORD"))
        if self._password and self._security == "none" and not _is_here(self._host):
            raise ValueError(f"security='none' would send the password to {self._host} for all to read: use 'starttls'")
        self._tls = tls
        self._timeout_s = timeout_s

    def deliver(self, alert: Alert) -> None:
        """Send it.

        Raises:
            DeliveryError: The server cannot be reached, or did not take it. The message holds nothing of what it said,
                which may repeat the password.
        """
        try:
            with contextlib.ExitStack() as stack:
                server = self._connect(stack)
                server.send_message(self.message(alert), self._sender, self._to)
        except smtplib.SMTPResponseException as error:
            what = "the login" if isinstance(error, smtplib.SMTPAuthenticationError) else "the message"
            code = error.smtp_code
            refusal = DeliveryError(f"{self._host} refused {what} ({code})", again=_is_passing(code))
        except smtplib.SMTPRecipientsRefused as error:
            codes = {code for code, _ in error.recipients.values()}
            refusal = DeliveryError(
                f"{self._host} refused the addresses {sorted(codes)}", again=all(map(_is_passing, codes))
            )
        except smtplib.SMTPNotSupportedError:
            missing = "STARTTLS" if self._security == "starttls" else "what is needed to log in"
            refusal = DeliveryError(f"{self._host} does not offer {missing}", again=False)
        except ssl.SSLCertVerificationError as error:
            refusal = DeliveryError(f"{self._host} has a certificate that is not to be trusted: {error.verify_message}")
        except OSError as error:  # all of `smtplib`'s own too
            refusal = DeliveryError(f"{self._host} cannot be reached: {error.strerror or type(error).__name__}")
        except ValueError as error:  # what cannot be encoded: its own message would hold it
            refusal = DeliveryError(
                f"{self._host}: the message or the login is refused: {type(error).__name__}", again=False
            )
        else:
            return
        raise refusal  # outside of the handlers: no traceback leads to what the server said

    def message(self, alert: Alert) -> email.message.EmailMessage:
        """An alert as an e-mail, in plain text."""
        message = email.message.EmailMessage(policy=email.policy.SMTP)
        message["Subject"] = f"[rlvitals] {alert.title}"[:_LONGEST_SUBJECT]
        message["From"] = self._sender
        message["To"] = ", ".join(self._to)
        message["Date"] = email.utils.formatdate(self._clock.time())
        message["Message-ID"] = email.utils.make_msgid(domain="rlvitals.invalid")
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answer of a holiday is wanted
        message.set_content(alert.text() + "\n")
        return message

    def _connect(self, stack: contextlib.ExitStack) -> smtplib.SMTP:
        tls = self._tls if self._tls is not None or self._security == "none" else ssl.create_default_context()
        if self._security == "ssl":
            secured = smtplib.SMTP_SSL(self._host, self._port, _US, timeout=self._timeout_s, context=tls)
            server: smtplib.SMTP = stack.enter_context(secured)
        else:
            server = stack.enter_context(smtplib.SMTP(self._host, self._port, _US, timeout=self._timeout_s))
        if self._security == "starttls":
            server.starttls(context=tls)
        if self._user:
            server.login(self._user, self._password.reveal())
        return server


def _addresses(given: str | Iterable[str]) -> list[str]:
    """The addresses alone, checked: none of them can put a line of its own into the message."""
    listed = given.split(",") if isinstance(given, str) else list(given)
    addresses = [address.strip() for address in listed if address.strip()]
    for address in addresses:
        if "@" not in address or not address.isprintable() or " " in address or not address.isascii():
            raise ValueError(f"{address!r} is no e-mail address: give one such as 'me@example.org'")
    return addresses


def _security(given: str) -> Security:
    for known in get_args(Security):
        if given == known:
            found: Security = known
            return found
    raise ValueError(f"security={given!r}: use one of {', '.join(map(repr, get_args(Security)))}")


def _port(given: int | str) -> int:
    if not str(given).isdecimal() or not 0 < int(given) < 1 << 16:
        raise ValueError(f"port={given!r}: a number from 1 to 65535")
    return int(given)


def _is_passing(code: int) -> bool:
    """Whether a refusal may be over later (RFC 5321, 4.2.1)."""
    return 400 <= code < 500  # noqa: PLR2004 - the standard's own


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
