#!/usr/bin/env bash
# The partial clone: no blobs but those of one folder.
# Usage: sparse-push.sh URL FILE TAG RESULT_FILE
set -euo pipefail

url=$1 file=$2 tag=$3 result=$4

echo '{"attempts": 1}' >"$result"
rm -rf work
git clone --quiet --depth 1 --filter=blob:none --sparse "$url" work
cd work
git sparse-checkout set "$(dirname "$file")"
yq -i ".image.tag = \"$tag\"" "$file"
git commit --quiet --all --message "deploy $file $tag"
git push --quiet
