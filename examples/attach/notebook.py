"""Executes a notebook that trains PPO, as a scheduler of notebooks does."""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(Path(__file__).with_suffix(".ipynb"), as_version=4)
NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
print(notebook.cells[-1].outputs[0].text.strip())
