"""Alerts: what must not wait until somebody looks. Imported only by those who want them."""

from rlvitals.sinks.alerts.alert import Alert
from rlvitals.sinks.alerts.desktop import DesktopAlerts
from rlvitals.sinks.alerts.discord import DiscordAlerts
from rlvitals.sinks.alerts.function import CallableAlerts
from rlvitals.sinks.alerts.gate import Rules
from rlvitals.sinks.alerts.mail import EmailAlerts
from rlvitals.sinks.alerts.sink import AlertSink, DeliveryError
from rlvitals.sinks.alerts.slack import SlackAlerts
from rlvitals.sinks.alerts.terminal import TerminalAlerts
from rlvitals.sinks.alerts.webhook import WebhookAlerts

__all__ = [
    "Alert",
    "AlertSink",
    "CallableAlerts",
    "DeliveryError",
    "DesktopAlerts",
    "DiscordAlerts",
    "EmailAlerts",
    "Rules",
    "SlackAlerts",
    "TerminalAlerts",
    "WebhookAlerts",
]
