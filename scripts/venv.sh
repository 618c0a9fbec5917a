#!/bin/sh
# Create the virtual environment $1 with the newest fitting Python on PATH (3.11 or later).
set -eu
venv=$1

fits() {
    command -v "$1" >/dev/null 2>&1 &&
        "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' 2>/dev/null
}

python=
for candidate in python3 python3.13 python3.12 python3.11 python3.14 python; do
    if fits "$candidate"; then python=$candidate; break; fi
done
if [ -z "$python" ]; then
    echo "No Python from 3.11 to 3.14 on PATH. Install one (Debian and Ubuntu: apt-get install python3 python3-venv) and run make again." >&2
    exit 1
fi

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    # Debian keeps ensurepip in a package of its own.
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    sh "$(dirname "$0")/system.sh" "python$version-venv" || {
        echo "$python cannot make virtual environments: install python$version-venv and run make again." >&2
        exit 1
    }
fi
echo "Creating $venv with $("$python" --version)" >&2
"$python" -m venv "$venv"
