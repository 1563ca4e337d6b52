"""`python -m dags.health <part>`: is a part of Airflow alive? For the containers' health checks.

The API server knows from the database when each part last told of itself. Nothing of Airflow is
imported: this runs every half a minute.
"""

from __future__ import annotations

import json
import sys
import urllib.request

ADDRESS = "http://api-server:8080/api/v2/monitor/health"
PATIENCE_SECONDS = 10
HEALTHY = "healthy"


def read(address: str) -> dict[str, str]:
    """Ask an API server how every part of Airflow is; raises OSError or ValueError if it is not."""
    with urllib.request.urlopen(address, timeout=PATIENCE_SECONDS) as answer:
        parts = json.load(answer)
    return {name: part["status"] for name, part in parts.items()}


def main(part: str, address: str = ADDRESS) -> int:
    """Print a part's status, and return 0 if it is healthy."""
    try:
        status = read(address).get(part, "unknown")
    except (OSError, ValueError) as error:
        status = f"the API server does not say: {error}"
    print(f"{part}: {status}")
    return 0 if status == HEALTHY else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
