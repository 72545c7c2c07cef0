"""Command line of rlvitals, with one module per command."""
