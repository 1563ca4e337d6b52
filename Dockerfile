# The image of every Airflow service in docker-compose.yml: `python -m dags service <name>`.
FROM python:3.12-slim-bookworm

RUN groupadd --gid 10001 chatcijfers \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin chatcijfers

# The packages change with the lock alone, and the code below them every day. Nothing is compiled, so nothing to compile with is
# needed; what installed them is gone at the end.
RUN --mount=type=bind,source=requirements-image.lock,target=/requirements-image.lock \
    pip install --no-cache-dir --no-deps --no-compile --only-binary=:all: --require-hashes --disable-pip-version-check \
        --root-user-action=ignore --progress-bar=off --quiet --requirement /requirements-image.lock \
 && pip uninstall --yes --quiet --root-user-action=ignore pip \
 && rm -rf /usr/local/lib/python3.12/ensurepip \
 && { python -m compileall -qq -j 0 -x '/tests?/' /usr/local/lib/python3.12/site-packages > /dev/null || true; }

# Named volumes take over owner and modes from here when they are first mounted.
RUN install --directory --owner=10001 --group=10001 --mode=0700 /run/secrets /var/lib/chatcijfers /var/lib/chatcijfers/key \
        /var/lib/chatcijfers/backups \
        /var/lib/chatcijfers/data/airflow /var/lib/chatcijfers/data/airflow/logs \
 && install --directory --owner=10001 --group=10001 --mode=0755 /var/lib/chatcijfers/data/published \
 && install --directory --owner=10001 --group=10001 --mode=0710 /var/lib/chatcijfers/data

WORKDIR /opt/chatcijfers
COPY . .
RUN chmod --recursive a+rX,go-w . && python -m compileall -qq .

# Nothing can be written but the volumes and /tmp.
ENV HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    CHATCIJFERS_DATA=/var/lib/chatcijfers/data \
    CHATCIJFERS_BACKUPS=/var/lib/chatcijfers/backups \
    CHATCIJFERS_KEY_FILE=/var/lib/chatcijfers/key/key \
    CHATCIJFERS_KEYS_FOLDER=/var/lib/chatcijfers/key/years
USER 10001:10001
ENTRYPOINT ["python", "-m", "dags", "service"]
