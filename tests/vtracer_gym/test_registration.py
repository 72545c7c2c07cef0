from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("cv2", "gymnasium", "numpy", "rlvitals", "stable_baselines3", "torch")


def printed(script: str) -> object:
    """Run a script in a fresh interpreter and return what it prints as JSON."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    return json.loads(done.stdout)


def test_importing_loads_nothing_heavy() -> None:
    """Importing the package loads neither Gymnasium nor NumPy. Names are imported on first use."""
    script = f"import json, sys, vtracer_gym; print(json.dumps([one for one in {HEAVY!r} if one in sys.modules]))"

    assert printed(script) == []


@pytest.mark.parametrize("imports", ["import gymnasium, vtracer_gym", "import vtracer_gym, gymnasium"])
def test_the_environment_is_registered(imports: str) -> None:
    """Gymnasium knows the environment, whichever is imported first."""
    script = f"{imports}, json; print(json.dumps(gymnasium.spec('vtracer_gym/Vectorize-v0').entry_point))"

    assert printed(script) == "vtracer_gym.environment:VectorizeEnv"


def test_looking_for_gymnasium_registers_nothing() -> None:
    """Looking for Gymnasium without importing it does not keep the environment from being registered later."""
    script = (
        "import vtracer_gym, json, importlib.util; importlib.util.find_spec('gymnasium'); import gymnasium; "
        "print(json.dumps('vtracer_gym/Vectorize-v0' in gymnasium.registry))"
    )

    assert printed(script) is True
