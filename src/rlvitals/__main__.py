"""`python -m rlvitals`: the command line."""

from rlvitals.cli.main import main

main()
