"""Other programs' files: `importers` read them, `exporters` write them."""
