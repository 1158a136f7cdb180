#!/usr/bin/env bash
# The loop that most pipelines have: one shallow clone, one commit, then rounds of pull --rebase and push.
# Usage: rebase-push.sh URL FILE TAG RESULT_FILE TRIES
set -euo pipefail

url=$1 file=$2 tag=$3 result=$4 tries=$5

git clone --quiet --depth 1 "$url" work
cd work
yq -i ".image.tag = \"$tag\"" "$file"
git commit --quiet --all --message "deploy $file $tag"
for ((attempt = 1; attempt <= tries; attempt++)); do
  echo "{\"attempts\": $attempt}" >"$result"
  git pull --quiet --rebase && git push --quiet && exit 0
done
exit 1
