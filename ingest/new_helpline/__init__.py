"""A new helpline's folder: commented files to change, and a sample of logs that runs at once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from ingest.helpline import load_helpline
from ingest.new_helpline.sample import write_sample
from ingest.problem import Problem
from ingest.settings import SETTINGS

TEMPLATE = Path(__file__).with_name("template")
SAMPLE = "sample-logs"
NAME = '"My helpline"'


def make_helpline(folder: Path) -> Path:
    """Write a new helpline's folder with a sample of logs; return the folder of the sample.

    The helpline is named after its folder. Raises Problem if something lies there already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Problem(
            f"{folder} is there already and is not an empty folder; it stays as it is. Name "
            "another folder for the new helpline, such as HELPLINE=helplines/mine."
        )
    try:
        shutil.copytree(TEMPLATE, folder, dirs_exist_ok=True)
        settings = folder / SETTINGS
        text = settings.read_text(encoding="utf-8")
        settings.write_text(text.replace(NAME, json.dumps(_name(folder))), encoding="utf-8")
        write_sample(load_helpline(folder), folder / SAMPLE)
    except OSError as error:
        raise Problem(f"{folder} cannot be written ({error.strerror}).") from None
    return folder / SAMPLE


def _name(folder: Path) -> str:
    """Name a helpline after its folder: `my-line` is "My line"."""
    words = folder.name.replace("-", " ").replace("_", " ").split()
    return " ".join(words).capitalize() or json.loads(NAME)
