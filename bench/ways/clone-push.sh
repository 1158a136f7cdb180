#!/usr/bin/env bash
# The shallow clone: clone, edit, commit, push; where the push lost the race, all of it again.
# Usage: clone-push.sh URL FILE TAG RESULT_FILE TRIES
set -euo pipefail

url=$1 file=$2 tag=$3 result=$4 tries=$5

once() {
  rm -rf work
  git clone --quiet --depth 1 "$url" work &&
    yq -i ".image.tag = \"$tag\"" "work/$file" &&
    git -C work commit --quiet --all --message "deploy $file $tag" &&
    git -C work push --quiet
}

for ((attempt = 1; attempt <= tries; attempt++)); do
  echo "{\"attempts\": $attempt}" >"$result"
  once && exit 0
done
exit 1
