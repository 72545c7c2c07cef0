"""Contract tests of all built-in export formats. Plug-in authors inherit the same contract."""

from pathlib import Path

from rlvitals.formats.exporters import Exporter, make_exporter
from rlvitals.formats.importers import import_run
from rlvitals.records import STREAMS
from rlvitals.testing.exporters import Exported, ExporterContract


class RoundTrip(ExporterContract):
    """Contract with the importer of the same format as the reader."""

    def read(self, path: Path) -> Exported:
        run = import_run(path, path.parent.parent / "imported")
        return Exported(run.header, {stream: list(run.records(stream)) for stream in STREAMS})


class TestJson(RoundTrip):
    target = "run.json"

    def make_exporter(self) -> Exporter:
        return make_exporter("json")


class TestJsonLines(RoundTrip):
    target = "run.jsonl"

    def make_exporter(self) -> Exporter:
        return make_exporter("jsonl")


class TestCsvFolder(RoundTrip):
    def make_exporter(self) -> Exporter:
        return make_exporter("csv")


class TestCsvFile(ExporterContract):
    target = "episodes.csv"

    def make_exporter(self) -> Exporter:
        return make_exporter("csv")


class TestParquetFolder(RoundTrip):
    def make_exporter(self) -> Exporter:
        return make_exporter("parquet")


class TestArrowFolder(RoundTrip):
    def make_exporter(self) -> Exporter:
        return make_exporter("arrow")


class TestDuckdb(RoundTrip):
    target = "run.duckdb"

    def make_exporter(self) -> Exporter:
        return make_exporter("duckdb")


class TestSqlite(RoundTrip):
    target = "run.sqlite"

    def make_exporter(self) -> Exporter:
        return make_exporter("sqlite")


class TestPandas(ExporterContract):
    target = "run.pkl"

    def make_exporter(self) -> Exporter:
        return make_exporter("pandas")


class TestTensorBoard(ExporterContract):
    def make_exporter(self) -> Exporter:
        return make_exporter("tensorboard")
