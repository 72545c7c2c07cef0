"""Command line of rlvitals, run with `python -m rlvitals`."""

from rlvitals.cli.main import main

main()
