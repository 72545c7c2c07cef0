"""Contents of the distributions in this repository."""

import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
from hatchling.builders.wheel import WheelBuilder

FOLDERS = {"rlvitals": ".", "vtracer_gym": "packages/vtracer_gym"}
"""Package of each distribution, and the folder from which its wheel is built."""


def built_from(folder: Path, place: Path) -> list[PurePosixPath]:
    """Build the wheel of a distribution like pip, and list its files."""
    wheel = next(iter(WheelBuilder(str(folder)).build(directory=str(place), versions=["standard"])))
    with zipfile.ZipFile(wheel) as archive:
        return [PurePosixPath(name) for name in archive.namelist()]


def files_below(folder: Path) -> Iterator[PurePosixPath]:
    """Yield the files of a package: its modules and static files."""
    for path in folder.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield PurePosixPath(path.relative_to(folder.parent).as_posix())


@pytest.mark.parametrize("package", FOLDERS)
def test_a_wheel_contains_one_package_with_all_its_files(root: Path, tmp_path: Path, package: str) -> None:
    """Each wheel contains only its own package, with pages, styles and types."""

    folder = root / FOLDERS[package]
    inside = built_from(folder, tmp_path)
    top = {path.parts[0] for path in inside}
    about = next(name for name in top if name.endswith(".dist-info"))
    assert top == {package, about}
    assert {path for path in inside if path.parts[0] == package} == set(files_below(folder / "src" / package))
    assert PurePosixPath(package, "py.typed") in inside
    assert PurePosixPath(about, "licenses", "LICENSE") in inside
