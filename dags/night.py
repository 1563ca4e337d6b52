"""`python -m dags.night`: one run of the nightly DAG through Airflow, in a process of its own.

`python -m dags run` starts it in its environment, closes its standard input when there are logs to
read, and sees in Airflow's database how far it is. Ends with status 1 if the run failed.
"""

from __future__ import annotations

import gc
import os
import sys


def main() -> int:
    """Run the DAG once, now, and record it in Airflow's database; return the exit status."""
    gc.set_threshold(200_000)  # Airflow's very many objects stay: do not look through them so often
    from dags import metadata

    dag = metadata.prepare()
    sys.stdin.read()
    run = dag.test()
    return 0 if run.state == "success" else 1


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # Python would take Airflow apart object by object, which takes two seconds
