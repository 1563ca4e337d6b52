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
echo "Setting up .venv with $("$python" --version): about $packages packages. This takes some minutes, once."
complaints=$(mktemp)
trap 'rm -f "$complaints"' EXIT
if ! "${pip[@]}" install --no-input --no-deps --no-compile --require-hashes --disable-pip-version-check \
    --progress-bar off --requirement requirements.lock 2>"$complaints" \
    | awk '/^(Collecting|Processing) / && ++n % 50 == 0 { print "  " n " packages fetched"; fflush() }
           /^Installing/ { print "  installing them"; fflush() }'; then
    grep -v "^WARNING" "$complaints" >&2 || true
    echo "The packages could not be installed; what pip said stands above. The next call begins afresh." >&2
    exit 1
fi
# On all processors at once: pip would do it on one. Some packages carry files that are not meant to compile.
.venv/bin/python -m compileall -qq -j 0 .venv/lib >/dev/null || true
cp requirements.lock "$stamp"
echo "The environment is ready after $SECONDS s."
