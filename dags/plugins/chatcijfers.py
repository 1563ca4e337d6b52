"""Puts the door before Airflow's UI of `make up`; Airflow finds it by its settings."""

from __future__ import annotations

import os
from typing import ClassVar
from urllib.parse import urlsplit

from airflow.plugins_manager import AirflowPlugin

from dags.door import Door


class ChatcijfersPlugin(AirflowPlugin):
    """What Chatcijfers adds to Airflow's own web server."""

    name = "chatcijfers"
    fastapi_root_middlewares: ClassVar = [
        {
            "name": "door",
            "middleware": Door,
            "kwargs": {
                "hosts": frozenset(
                    f"{name}:{urlsplit(os.environ['AIRFLOW__API__BASE_URL']).port}"
                    for name in ("127.0.0.1", "localhost")
                )
            },
        }
    ]
