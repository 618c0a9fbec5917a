#!/bin/sh
# Make sure that a Chromium is there for the tests of the page.
set -eu
for browser in chromium chromium-browser google-chrome; do
    if command -v "$browser" >/dev/null 2>&1; then exit 0; fi
done
sh "$(dirname "$0")/system.sh" chromium || {
    echo "The tests of the page need Chromium." >&2
    exit 1
}
