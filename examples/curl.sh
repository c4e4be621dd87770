#!/usr/bin/env bash
# One picture from a shell: examples/curl.sh samples/cat.jpg; then the picture fit to show, where a second name is given.
set -euo pipefail
url=${TRUST_NSFW_URL:-http://127.0.0.1:8080}/predictions/nsfw

curl --silent --show-error --fail-with-body --upload-file "$1" "$url"
echo
if [[ $# -gt 1 ]]; then
    curl --silent --show-error --fail --upload-file "$1" --header 'Accept: image/*' --output "$2" "$url"
fi
