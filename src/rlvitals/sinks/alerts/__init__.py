"""Alerts: notifications of important events. This package is imported only by programs that use it."""

from rlvitals.sinks.alerts.alert import Alert
from rlvitals.sinks.alerts.alert_gate import Rules
from rlvitals.sinks.alerts.alert_sink import AlertSink, DeliveryError
from rlvitals.sinks.alerts.apprise_alerts import AppriseAlerts
from rlvitals.sinks.alerts.callable_alerts import CallableAlerts
from rlvitals.sinks.alerts.desktop_alerts import DesktopAlerts
from rlvitals.sinks.alerts.discord_alerts import DiscordAlerts
from rlvitals.sinks.alerts.email_alerts import EmailAlerts
from rlvitals.sinks.alerts.slack_alerts import SlackAlerts
from rlvitals.sinks.alerts.terminal_alerts import TerminalAlerts
from rlvitals.sinks.alerts.webhook_alerts import WebhookAlerts

__all__ = [
    "Alert",
    "AlertSink",
    "AppriseAlerts",
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
