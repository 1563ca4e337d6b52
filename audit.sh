#!/usr/bin/env bash
# Asks OSV, the open database of vulnerabilities, about every package of requirements.lock; it is told names and versions, nothing else.
# Ends with 0 if none is known, 1 if one is, and 2 if it could not be asked. It needs the network, so it is no part of lint or test.
set -euo pipefail
cd "$(dirname "$0")"

complaints=$(mktemp)
trap 'rm -f "$complaints"' EXIT
status=0
.venv/bin/python -m pip_audit --requirement requirements.lock --disable-pip --require-hashes \
    --vulnerability-service osv --progress-spinner off 2>"$complaints" || status=$?
if grep --quiet "^requests\.exceptions\.\|^pip_audit.*ConnectionError" "$complaints"; then
    echo "Nothing was checked: OSV could not be asked. \`make audit\` needs the network; its last words:" >&2
    tail -n 1 "$complaints" >&2
    exit 2
fi
cat "$complaints" >&2
exit "$status"
