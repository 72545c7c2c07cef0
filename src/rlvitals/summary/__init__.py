"""What a training comes to: one account, from which the interface, the commands, reports and pages all speak."""
