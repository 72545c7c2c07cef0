"""Conversion between run folders and other file formats: `importers` read files, `exporters` write them."""
