"""Renderers that turn a document into HTML, Markdown, SVG, PDF or terminal text."""
