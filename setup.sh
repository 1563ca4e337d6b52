#!/usr/bin/env bash
# Puts the environment of requirements.lock into .venv, with what a bare Debian has: Python and its venv, or else pip.
# Nothing is done when .venv was made from this very lock. What was interrupted is begun afresh by the next call.
set -euo pipefail
cd "$(dirname "$0")"

stamp=.venv/requirements.lock
if cmp --silent requirements.lock "$stamp" && .venv/bin/python -c "" 2>/dev/null; then
    exit 0
fi

python=
for candidate in python3 python3.13 python3.12 python3.11; do
    if "$candidate" -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))" 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "No Python 3.11, 3.12 or 3.13 was found. On Debian or Ubuntu: apt-get install python3 python3-venv" >&2
    exit 1
fi

if "$python" -c "import ensurepip, venv" 2>/dev/null; then
    "$python" -m venv --clear .venv
    pip=(.venv/bin/python -m pip)
elif "$python" -c "import pip, venv" 2>/dev/null; then
    "$python" -m venv --clear --without-pip .venv
    pip=("$python" -m pip --python .venv/bin/python)
else
    echo "$("$python" --version) can make no virtual environment. On Debian or Ubuntu: apt-get install python3-venv" >&2
    exit 1
fi

packages=$(grep --count "^[a-z0-9]" requirements.lock || true)
echo "Setting up .venv with $("$python" --version): about $packages packages. This takes a minute or more, once."
pip_install=("${pip[@]}" install --no-input --no-deps --no-compile --require-hashes --disable-pip-version-check --progress-bar off)
own=$(mktemp --directory)
trap 'rm -rf "$own"' EXIT

# Gives what pip was told in its settings, one value a line.
setting() {
    sed -n "s/^[^=]*\.$1='\(.*\)'$/\1/p" "$own/settings" | sed 's/\\n/ /g' | tr -s ' ' '\n'
}

# Installs with uv, of the lock as well, which takes a fraction of the time. It knows nothing of pip's settings: those of where packages
# come from are handed on, and with any other pip has to do it.
install_with_uv() {
    local places=() place
    awk '/^uv==/, !/\\$/' requirements.lock >"$own/uv.lock"
    "${pip[@]}" config list >"$own/settings" 2>/dev/null || return
    if [ ! -s "$own/uv.lock" ] || grep -qE "\.(no-index|proxy|client-cert|trusted-host)=" "$own/settings"; then return 1; fi
    "${pip_install[@]}" --quiet --requirement "$own/uv.lock" 2>/dev/null || return
    for place in $(setting index-url | head -n 1); do places+=(--default-index "$place"); done
    for place in $(setting extra-index-url); do places+=(--index "$place"); done
    for place in $(setting find-links); do places+=(--find-links "$place"); done
    place=$(setting cert | head -n 1)
    env ${place:+"SSL_CERT_FILE=$place"} .venv/bin/uv pip install --python .venv/bin/python --cache-dir .venv/cache --no-deps \
        --require-hashes --index-strategy unsafe-best-match "${places[@]}" --requirement requirements.lock 2>&1 \
        | awk '/^ *Downloading/ { print "  fetching " $2; fflush() } /^Prepared/ { print "  installing them"; fflush() }'
}

install_with_pip() {
    "${pip_install[@]}" --requirement requirements.lock 2>"$own/complaints" \
        | awk '/^(Collecting|Processing) / && ++n % 50 == 0 { print "  " n " packages fetched"; fflush() }
               /^Installing/ { print "  installing them"; fflush() }'
}

if ! install_with_uv && ! install_with_pip; then
    grep -v "^WARNING" "$own/complaints" >&2 || true
    echo "The packages could not be installed; what pip said stands above. The next call begins afresh." >&2
    exit 1
fi
rm -rf .venv/cache
# On all processors at once: pip would do it on one. Some packages carry files that are not meant to compile, and tests of their own.
.venv/bin/python -m compileall -qq -j 0 -x '/tests?/' .venv/lib >/dev/null || true
cp requirements.lock "$stamp"
echo "The environment is ready after $SECONDS s."
