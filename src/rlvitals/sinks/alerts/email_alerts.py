"""Alerts sent by e-mail."""

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
_US = "[127.0.0.1]"  # name in the SMTP greeting; the host name would need a network lookup and reveal the machine


class EmailAlerts(AlertSink):
    """Sends each alert as an e-mail, over a separate connection.

    Args:
        to: Recipient addresses, as a list or as text separated by commas. Default: `RLVITALS_EMAIL_TO`.
        host: Mail server. Default: `RLVITALS_SMTP_HOST`.
        port: Port of the mail server. Default: `RLVITALS_SMTP_PORT`, otherwise the usual port for `security` (587, 465
            or 25).
        sender: Sender address. Default: `RLVITALS_EMAIL_FROM`, otherwise the first address in `to`.
        user: User name for the login. Default: `RLVITALS_SMTP_USER`, otherwise no login.
        password: Password for the login. Default: `RLVITALS_SMTP_PASSWORD`. It is never shown or stored.
        security: `starttls`, `ssl` or `none`. Default: `RLVITALS_SMTP_SECURITY`, otherwise `starttls`. With `none`, a
            password is sent only to this machine.
        tls: TLS context for checking certificates. Default: the certificate authorities of the system.
        timeout_s: Maximum wait for each response of the server, in seconds.
        clock: Source of the time.
        **rules: Rules that select events and limit their number: see `Rules`.

    Raises:
        ValueError: The server or the address is missing, or a setting is invalid. No message includes the password.
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
            raise ValueError("e-mail needs `to` and `host`: pass them, or set RLVITALS_EMAIL_TO and RLVITALS_SMTP_HOST")
        self._security = _security(setting(security, "RLVITALS_SMTP_SECURITY") or "starttls")
        self._port = _port(port if port is not None else setting(None, "RLVITALS_SMTP_PORT") or PORTS[self._security])
        self._sender = _addresses(setting(sender, "RLVITALS_EMAIL_FROM") or self._to[0])[0]
        self._user = setting(user, "RLVITALS_SMTP_USER")
        self._password = Secret(setting(password, "RLVITALS_SMTP_PASSWORD"))
        if self._password and self._security == "none" and not _is_here(self._host):
            raise ValueError(f"security='none' would send the password to {self._host} unencrypted: use 'starttls'")
        self._tls = tls
        self._timeout_s = timeout_s

    def deliver(self, alert: Alert) -> None:
        """Send an e-mail.

        Raises:
            DeliveryError: The server is unreachable, or rejected the e-mail. The message excludes the response of the
                server, which can repeat the password.
        """
        try:
            with contextlib.ExitStack() as stack:
                server = self._connect(stack)
                server.send_message(self.message(alert), self._sender, self._to)
        except smtplib.SMTPResponseException as error:
            what = "the login" if isinstance(error, smtplib.SMTPAuthenticationError) else "the message"
            code = error.smtp_code
            refusal = DeliveryError(f"{self._host} rejected {what} ({code})", again=_is_passing(code))
        except smtplib.SMTPRecipientsRefused as error:
            codes = {code for code, _ in error.recipients.values()}
            refusal = DeliveryError(
                f"{self._host} rejected the addresses {sorted(codes)}", again=all(map(_is_passing, codes))
            )
        except smtplib.SMTPNotSupportedError:
            missing = "STARTTLS" if self._security == "starttls" else "a supported login method"
            refusal = DeliveryError(f"{self._host} does not offer {missing}", again=False)
        except ssl.SSLCertVerificationError as error:
            refusal = DeliveryError(f"{self._host} has an untrusted certificate: {error.verify_message}")
        except OSError as error:  # includes the remaining errors of `smtplib`
            refusal = DeliveryError(f"{self._host} cannot be reached: {error.strerror or type(error).__name__}")
        except ValueError as error:  # a text that cannot be encoded; the error message would include it
            refusal = DeliveryError(
                f"{self._host}: the message or the login cannot be encoded: {type(error).__name__}", again=False
            )
        else:
            return
        raise refusal  # outside the handlers, so that no traceback leads to the response of the server

    def message(self, alert: Alert) -> email.message.EmailMessage:
        """Return the alert as a plain-text e-mail.

        Args:
            alert: Alert to send.
        """
        message = email.message.EmailMessage(policy=email.policy.SMTP)
        message["Subject"] = f"[rlvitals] {alert.title}"[:_LONGEST_SUBJECT]
        message["From"] = self._sender
        message["To"] = ", ".join(self._to)
        message["Date"] = email.utils.formatdate(self._clock.time())
        message["Message-ID"] = email.utils.make_msgid(domain="rlvitals.invalid")
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: prevents automatic replies
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
    """Split and validate e-mail addresses. A valid address cannot inject header lines into the message."""
    listed = given.split(",") if isinstance(given, str) else list(given)
    addresses = [address.strip() for address in listed if address.strip()]
    for address in addresses:
        if "@" not in address or not address.isprintable() or " " in address or not address.isascii():
            raise ValueError(f"{address!r} is not an e-mail address such as 'me@example.org'")
    return addresses


def _security(given: str) -> Security:
    for known in get_args(Security):
        if given == known:
            found: Security = known
            return found
    raise ValueError(f"security={given!r}: must be one of {', '.join(map(repr, get_args(Security)))}")


def _port(given: int | str) -> int:
    if not str(given).isdecimal() or not 0 < int(given) < 1 << 16:
        raise ValueError(f"port={given!r}: must be a number from 1 to 65535")
    return int(given)


def _is_passing(code: int) -> bool:
    """Return whether a rejection is temporary (RFC 5321, 4.2.1)."""
    return 400 <= code < 500  # noqa: PLR2004 - code range of the RFC


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
