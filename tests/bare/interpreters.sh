#!/usr/bin/env bash
# Run by `make interpreters`: the bare install, the run folder and the command line on each supported Python that is here.
set -euo pipefail
cd "$(dirname "$0")/../.."

interpreter() { # the path of a working Python of a version, or nothing
  local candidate
  for candidate in "$(command -v "python$1" || true)" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$1".*/bin/python; do
    if [ -x "$candidate" ] && "$candidate" -c 'import venv' >/dev/null 2>&1; then
      echo "$candidate"
      return
    fi
  done
}

# These tests need PyTorch, which is too large to install once more for each interpreter.
without_torch=(
  --ignore tests/rlvitals/recording/test_odd_arguments.py
  --ignore tests/rlvitals/monitor/test_images.py
  --ignore tests/rlvitals/sinks/alerts/test_page.py
)
found=0
for version in 3.11 3.12 3.13; do
  python=$(interpreter "$version")
  if [ -z "$python" ]; then
    echo "Python $version is not installed here: skipped"
    continue
  fi
  folder=.venv/python$version
  "$python" -m venv --clear "$folder"
  install=("$folder/bin/python" -m pip install --quiet --disable-pip-version-check --constraint constraints.txt)
  "${install[@]}" --editable .
  "$folder/bin/python" -W error tests/bare/bare_install.py
  "${install[@]}" --editable '.[apprise,arrow,pandas,polars,ui]' cryptography hypothesis httpx pytest pytest-xdist
  "$folder/bin/python" -m pytest -n "${WORKERS:-2}" -p no:cacheprovider -q \
    tests/rlvitals/recording tests/rlvitals/runs tests/rlvitals/sinks/alerts tests/rlvitals/cli/test_main.py "${without_torch[@]}"
  found=$((found + 1))
done
echo "Python versions tested: $found"
[ "$found" -gt 0 ]
