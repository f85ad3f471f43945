#!/bin/bash
# The OpenAPI text has every route of its dialect, and only those.
. "$(dirname "$0")/web.sh"
require_program python3
python3 -c 'import yaml' 2>/dev/null || skip_all "no yaml for python3"
new_store
start_daemon
# operations of api.yaml as "METHOD path"
operations() {
	request GET "$1/api.yaml"
	python3 -c '
import sys, yaml
api = yaml.safe_load(sys.stdin)
assert api["openapi"].startswith("3.0"), api["openapi"]
names = [o["operationId"] for p in api["paths"].values() for m, o in p.items() if m != "parameters"]
assert len(set(names)) == len(names), "operationId twice"
for path, item in api["paths"].items():
    want = [s.split("}")[0] for s in path.split("{")[1:]]
    got = [p["name"] for p in item.get("parameters", [])]
    assert got == want and all(p["required"] for p in item.get("parameters", [])), path
    for method in item:
        if method != "parameters":
            assert item[method]["responses"], path
            print(method.upper(), path[1:])
print("SERVER", api["servers"][0]["url"], file=sys.stderr)
' <"$body" 2>"$tmp/server" | sort
}
# the same of the table of routes
routes() {
	awk -F'[(,\t ]+' '/^ROUTE\(/ { print }' "$srcdir/web/routes.tbl" |
		sed -n 's/^ROUTE([A-Z_]*,[[:space:]]*\([A-Z]*\),[[:space:]]*\([^,]*\),[^"]*"\([^"]*\)".*/\2@\1 \3/p' |
		grep -E "^(DIALECT_ALL|[^@]*$1)" | sed 's/^[^@]*@//' | sort
}
is "/v2" "$(operations /v2)" "$(routes DIALECT_V2)"
is "at its own URL" "$(cat "$tmp/server")" "SERVER $base/v2"
is "as YAML" "$(header Content-Type)" "application/yaml; charset=utf-8"
is "/v1" "$(operations /v1)" "$(routes DIALECT_V1)"
is "/dicom-web" "$(operations /dicom-web)" "$(routes DIALECT_PLAIN)"
ok "with something in it" grep -q 'POST studies/{study}' <(operations /dicom-web)
done_testing
