"""Contents of reports, tables and charts, independent of the output format."""
