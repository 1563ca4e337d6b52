"""Where a run finds its logs and its helpline, and where it keeps its state."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

DEFAULT_DATA = "data"
DEFAULT_HELPLINE = "helplines/nupraatikerover"


@dataclass(frozen=True)
class Workspace:
    """The three places of a run: state folder, logs, and the helpline's own folder.

    All state lies under `data`; two runs with different state folders never meet.
    """

    data: Path
    logs: str
    helpline: Path

    @classmethod
    def from_environment(
        cls, data: str | None = None, logs: str | None = None, helpline: str | None = None
    ) -> Workspace:
        """Read CHATCIJFERS_DATA, CHATCIJFERS_LOGS and CHATCIJFERS_HELPLINE; arguments come first.

        Without logs, the run reads the simulated ones under the state folder.
        """
        state = Path(data or os.environ.get("CHATCIJFERS_DATA") or DEFAULT_DATA).absolute()
        folder = helpline or os.environ.get("CHATCIJFERS_HELPLINE") or DEFAULT_HELPLINE
        source = logs or os.environ.get("CHATCIJFERS_LOGS") or str(state / "simulated")
        return cls(data=state, logs=source, helpline=Path(folder).absolute())

    @property
    def warehouse(self) -> Path:
        """The private DuckDB file that nobody but the pipeline opens."""
        return self.data / "warehouse.duckdb"

    @property
    def key_file(self) -> Path:
        """The file with the key of the pseudonyms, unless the environment holds the key itself."""
        return Path(os.environ.get("CHATCIJFERS_KEY_FILE") or self.data / "key")

    @property
    def keys_folder(self) -> Path:
        """The folder with a key for each year, if the helpline's keys rotate."""
        return Path(os.environ.get("CHATCIJFERS_KEYS_FOLDER") or self.data / "keys")

    @property
    def gates(self) -> Path:
        """The results of both gates of the last run."""
        return self.data / "gates"

    @property
    def published(self) -> Path:
        """The releases, and the link to the latest one."""
        return self.data / "published"

    @property
    def temporary(self) -> Path:
        """The folder for temporary files: nothing of a run lies outside its state folder."""
        return self.data / "tmp"

    @property
    def dbt_target(self) -> Path:
        """dbt's compiled models and artifacts."""
        return self.data / "dbt"

    @property
    def airflow_home(self) -> Path:
        """Airflow's metadata, configuration and logs."""
        return self.data / "airflow"

    @property
    def operations(self) -> Path:
        """What is known of runs, announcements and a restore that goes on."""
        return self.data / "operations"

    @property
    def backups(self) -> Path:
        """Where backups go: CHATCIJFERS_BACKUPS, which is best another disk or machine."""
        return Path(os.environ.get("CHATCIJFERS_BACKUPS") or self.data / "backups").absolute()

    @property
    def simulated_logs(self) -> Path:
        """The simulated logs that a run without logs of its own reads."""
        return self.data / "simulated"

    @property
    def is_simulated(self) -> bool:
        """Whether this is a run on simulated logs."""
        return Path(self.logs).absolute() == self.simulated_logs.absolute()
