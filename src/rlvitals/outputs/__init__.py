"""Documents that the commands print with `--json` and the server for agents returns, with their schemas."""
