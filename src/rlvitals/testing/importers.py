"""Contract of importers as a test suite. Authors of an importer inherit from it.

    from rlvitals.testing.importers import ImporterContract

    class TestMyImporter(ImporterContract):
        def make_importer(self) -> Importer:
            return MyImporter()

        def make_sample(self, folder: Path) -> Path:
            (folder / "log.mine").write_text(...)
            return folder / "log.mine"

The tests check the contract of `rlvitals.formats.importers.Importer`. They need pytest.
"""

import contextlib
from pathlib import Path

import pytest

from rlvitals.errors import RlvitalsError
from rlvitals.formats.importers import Importer, StoreImporter, import_runs
from rlvitals.records import STREAM_OF
from rlvitals.testing.exporters import bytes_in, texts

_PLACES = 20
"""Number of places at which the files of a sample are damaged."""
OTHER_FILES: dict[str, bytes] = {
    "empty.csv": b"",
    "notes.txt": b"global_step reward\n",
    "settings.json": b'{"step": 1, "reward": 2.0}\n',
    "table.csv": b"a,b\n1,2\n",
    "model.zip": bytes(range(256)) * 20,
    "run.wandb": b"not a log",
    "events.out.tfevents.1": b"not events",
    "progress.csv": b"\xff\xfe\x00",
}
"""Files that no importer recognises, some under the names of known formats."""


class ImporterContract:
    """Tests that every importer must pass. Override `make_importer` and `make_sample`."""

    def make_importer(self) -> Importer:
        """Return a new importer."""
        raise NotImplementedError("implement make_importer in a subclass of the contract")

    def make_sample(self, folder: Path) -> Path:
        """Create a small file or folder of the format, with the tool that writes it.

        Args:
            folder: Empty folder for the sample.

        Returns:
            Path to import.
        """
        raise NotImplementedError("implement make_sample in a subclass of the contract")

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Path:
        """Sample in a separate folder."""
        (tmp_path / "sample").mkdir()
        return self.make_sample(tmp_path / "sample")

    def test_it_recognises_its_format_by_the_contents(self, sample: Path, tmp_path: Path) -> None:
        """The sample is recognised, and files with other contents are not, whatever their names."""
        assert self.make_importer().recognises(sample)
        (tmp_path / "others").mkdir()
        for name, content in OTHER_FILES.items():
            (tmp_path / "others" / name).write_bytes(content)
        others = [tmp_path / "others", *(tmp_path / "others").iterdir(), tmp_path / "missing"]
        assert [path.name for path in others if self.make_importer().recognises(path)] == []

    def test_it_yields_valid_records_and_only_reads(self, sample: Path) -> None:
        """There is a record, records are of the known types, and the files stay as they are."""
        before = bytes_in(sample)
        records = [record for run in self.make_importer().runs_in(sample) for record in run.records]
        assert {type(record) for record in records} & STREAM_OF.keys() == {type(record) for record in records}
        assert records
        assert bytes_in(sample) == before

    def test_reading_twice_gives_the_same_runs(self, sample: Path) -> None:
        """Names, settings and records are the same, so that a repeated import finds that nothing has changed."""
        first, second = (
            [
                (run.run, run.name, texts({"all": list(run.records)}), run.configuration)
                for run in importer.runs_in(sample)
            ]
            for importer in (self.make_importer(), self.make_importer())
        )
        assert repr(first) == repr(second)

    def test_the_runs_of_a_store_have_identifiers(self, sample: Path) -> None:
        """Each run of a store has a different identifier. An importer of one run has none."""
        importer = self.make_importer()
        names = [run.run for run in importer.runs_in(sample)]
        assert len({*names}) == len(names)
        assert all(names) if isinstance(importer, StoreImporter) else names == [""]

    def test_a_repeated_import_changes_nothing(self, sample: Path, tmp_path: Path) -> None:
        """The first import creates the runs, and the second one finds them."""
        runs = [import_runs(sample, tmp_path / "logs", format=self.make_importer()) for _ in range(2)]
        assert [{done.outcome for done in each} for each in runs] == [{"imported"}, {"unchanged"}]
        assert [done.run.path for done in runs[0]] == [done.run.path for done in runs[1]]

    def test_damaged_files_raise_errors_of_rlvitals(self, sample: Path) -> None:
        """A truncated file, and a file with wrong bytes, are imported in part or refused with an `RlvitalsError`."""
        files = [sample] if sample.is_file() else [file for file in sample.rglob("*") if file.is_file()]
        for file in files:
            content = file.read_bytes()
            for place in range(0, len(content), max(len(content) * len(files) // _PLACES, 1)):
                wrong = bytes(byte ^ 0xA5 for byte in content[place : place + 8])
                for damaged in (content[:place], content[:place] + wrong + content[place + 8 :]):
                    file.write_bytes(damaged)
                    with contextlib.suppress(RlvitalsError):
                        for run in self.make_importer().runs_in(sample):
                            list(run.records)
            file.write_bytes(content)
