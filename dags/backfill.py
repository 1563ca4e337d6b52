"""By hand: older logs from another folder, once; or everything read anew. Then a night's steps.

- `pull_more` reads the folder `folder` besides the nightly source, or, with `anew`, reads every
  file that is still there again, also those that were loaded.

A night that was missed needs no backfill: each run reads whatever was not loaded before. Neither
does a file that came late, in any order: put it where the others are. A file that was loaded is
known by its content, so that nothing is ever counted twice.

The other steps (`pull`, `judge_deliveries`, `transform`, `protect`, `judge_figures`, `publish`,
`retain`) are those of the DAG `nightly`.
"""

from airflow.sdk import Param, dag, task

from dags import steps


@dag(
    **steps.BY_HAND,
    doc_md=__doc__,
    params={
        "folder": Param(
            "",
            type="string",
            title="Folder of older logs",
            description="A folder on the machine that Airflow runs on, read once besides the "
            "nightly source. Empty: the nightly source itself.",
        ),
        "anew": Param(
            False,
            type="boolean",
            title="Read everything anew",
            description="Read files again that were loaded before. Takes as long as the first "
            "night did; gives the same figures, unless the software was changed.",
        ),
    },
)
def backfill():
    """Pull more, then all steps of a night."""

    @task(**steps.OF_SOURCES)
    def pull_more(params: dict):
        from dags.stage import carry_out
        from ingest.pull import pull_more

        carry_out(lambda workspace: pull_more(workspace, params["folder"], anew=params["anew"]))

    pull_more() >> steps.night()


backfill()
