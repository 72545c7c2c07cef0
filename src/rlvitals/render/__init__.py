"""Renderers: a document in, HTML, Markdown, SVG, PDF or the text of a terminal out."""
