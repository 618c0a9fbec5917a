#!/bin/sh
# Refresh the page's vendored libraries and fonts at the versions pinned here, then check them against VENDORED.sha256.
# Needs npm and tar; running the product needs neither. After raising a version: VENDOR_ACCEPT=1 scripts/vendor.sh
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
target="$here/src/dronewall/outlets/web/static/vendor"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

OL=10.11.0
MILSYMBOL=3.0.4
NOTO_SANS=5.3.0
SWAGGER_UI=5.35.0

unpacked() { # package version -> folder
    (cd "$work" && npm pack --silent "$1@$2" >packed && mkdir -p "$3" && tar xzf "$(cat packed)" -C "$3" --strip-components=1)
}

unpacked ol "$OL" ol
unpacked milsymbol "$MILSYMBOL" milsymbol
unpacked @fontsource/noto-sans "$NOTO_SANS" noto-sans
unpacked swagger-ui-dist "$SWAGGER_UI" swagger-ui

rm -rf "$target"
mkdir -p "$target/ol" "$target/milsymbol" "$target/noto-sans" "$target/swagger-ui"

# The last line names a source map that is not shipped; without it a browser's tools do not ask for one.
without_map() { sed '/^\/\/# sourceMappingURL=/d; /^\/\*# sourceMappingURL=.*\*\/$/d' "$1" >"$2"; }

without_map "$work/ol/dist/ol.js" "$target/ol/ol.js"
without_map "$work/ol/ol.css" "$target/ol/ol.css"
cp "$work/ol/LICENSE.md" "$target/ol/LICENSE"
without_map "$work/milsymbol/dist/milsymbol.js" "$target/milsymbol/milsymbol.js"
cp "$work/milsymbol/LICENSE" "$target/milsymbol/LICENSE"
for subset in latin latin-ext cyrillic; do
    for weight in 400 600; do
        cp "$work/noto-sans/files/noto-sans-$subset-$weight-normal.woff2" "$target/noto-sans/"
    done
done
cp "$work/noto-sans/LICENSE" "$target/noto-sans/LICENSE"
without_map "$work/swagger-ui/swagger-ui-bundle.js" "$target/swagger-ui/swagger-ui-bundle.js"
without_map "$work/swagger-ui/swagger-ui.css" "$target/swagger-ui/swagger-ui.css"
cp "$work/swagger-ui/LICENSE" "$work/swagger-ui/NOTICE" "$target/swagger-ui/"
cp "$work/swagger-ui/swagger-ui-bundle.js.LICENSE.txt" "$target/swagger-ui/"

cat >"$target/VERSIONS" <<EOF
ol $OL
milsymbol $MILSYMBOL
@fontsource/noto-sans $NOTO_SANS
swagger-ui-dist $SWAGGER_UI
EOF

sums="$here/src/dronewall/outlets/web/static/VENDORED.sha256"
if [ "${VENDOR_ACCEPT:-0}" = 1 ]; then
    (cd "$target" && find . -type f | LC_ALL=C sort | xargs sha256sum) >"$sums"
    echo "wrote $sums: read the difference before you commit it"
else
    (cd "$target" && sha256sum --quiet --check "$sums") && echo "vendored files are those of VENDORED.sha256"
fi
