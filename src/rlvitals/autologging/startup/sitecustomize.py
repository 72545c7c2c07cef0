"""Start of recording in a Python process that `rlvitals run` started.

The folder of this file is on `PYTHONPATH` of that process and of the processes that it starts. Python imports this
module before the program. It runs the module of the same name that it hides, if there is one.
"""

import importlib.machinery
import importlib.util
import os
import sys


def _run_hidden_module() -> None:
    here = os.path.dirname(__file__)
    # The program and the module that this one hides see the path as it would be without `rlvitals run`.
    sys.path[:] = [path for path in sys.path if not (path and os.path.exists(path) and os.path.samefile(path, here))]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", sys.path)
    if spec is not None and spec.loader is not None:
        # `import sitecustomize` returns the entry of `sys.modules`.
        module = sys.modules["sitecustomize"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)


def _start() -> None:
    try:
        from rlvitals.autologging.child_process import start_in_child
    except ImportError:  # the interpreter has no rlvitals; the parent process says so
        return
    start_in_child()


try:
    _run_hidden_module()
finally:
    _start()
