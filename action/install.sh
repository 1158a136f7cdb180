#!/bin/sh
# Finds the gitops-steps binary that this commit pins, fetches it where it is not there yet, and hands its path to the
# steps after this one. For any POSIX shell: dash, bash, busybox's ash, Git Bash.

# Prints the path of the binary; all else goes to standard error.
#
# $manifest holds the lines of manifest.txt; $1 is the folder of the source, where there is one. Both come from the
# caller, never from the environment. The body is a subshell, so nothing of it stays in the shell of a job. The GitLab
# template and components carry a copy of this function.
install_gitops_steps() (
  set -eu

  # Tells an error or a warning and a hint, each as one line whatever it quotes.
  tell() {
    message=$(printf '%s' "$2" | LC_ALL=C tr '[:cntrl:]' ' ')
    if [ "${GITHUB_ACTIONS:-}" = true ]; then
      printf '::%s title=gitops-steps::%s%%0Ahint: %s\n' "$1" "$(printf '%s' "$message" | sed 's/%/%25/g')" "$3"
    else
      printf '%s: %s\nhint: %s\n' "$1" "$message" "$3"
    fi >&2
  }
  # Ends with an exit code of the command line's, a message and a hint. In a workflow it leaves the outputs of a failure;
  # the message is one line by then, and so cannot be another output.
  fail() {
    tell error "$2" "$3"
    if [ -n "${GITHUB_OUTPUT:-}" ]; then
      printf 'changed=false\noperation=failed\nreason=%s\n' "$message" >>"$GITHUB_OUTPUT"
    fi
    exit "$1"
  }
  lower() { printf '%s' "$1" | LC_ALL=C tr '[:upper:]' '[:lower:]'; }

  case $(lower "${GITOPS_STEPS_FROM_SOURCE:-}") in
    true | 1 | yes | on) from_source=true ;;
    '' | false | 0 | no | off) from_source=false ;;
    *) fail 2 "\`$GITOPS_STEPS_FROM_SOURCE\` is no value for from-source" 'use true or false' ;;
  esac

  if [ -n "${GITOPS_STEPS_BINARY_PATH:-}" ]; then
    binary=$GITOPS_STEPS_BINARY_PATH
    case $binary in
      *[[:cntrl:]]*) fail 2 "binary-path \`$binary\` is not one line" 'give the path of a file' ;;
      /* | [A-Za-z]:*) ;;
      *) binary=$PWD/$binary ;;
    esac
    [ -f "$binary" ] && [ -x "$binary" ] ||
      fail 3 "binary-path \`$binary\` is no file that can be run" 'give the path of the binary'
    printf '%s\n' "$binary"
    exit
  fi

  system=$(uname -s) machine=$(uname -m) exe='' target=''
  case $system in MINGW* | MSYS* | CYGWIN*) system=Windows exe=.exe ;; esac
  # Under Rosetta, uname tells of the machine that is played.
  if [ "$system" = Darwin ] && [ "$(sysctl -n hw.optional.arm64 2>/dev/null)" = 1 ]; then machine=arm64; fi
  case $machine in
    x86_64 | amd64) machine=x86_64 arch=x64 ;;
    aarch64 | arm64) machine=aarch64 arch=arm64 ;;
  esac
  case $system-$machine in
    Linux-x86_64 | Linux-aarch64) target=$machine-unknown-linux-musl ;;
    Darwin-x86_64 | Darwin-aarch64) target=$machine-apple-darwin ;;
    Windows-x86_64 | Windows-aarch64) target=$machine-pc-windows-msvc ;;
  esac

  # Git Bash's tools take the `D:` of a runner's path for the name of a host.
  unix_path() { if [ "$system" = Windows ]; then cygpath -u "$1"; else printf '%s\n' "$1"; fi; }
  # Makes the folder in which the binary is handed on, alone: it may come onto the PATH, and a cache holds what any job
  # left there.
  new_folder() {
    temporary=$(unix_path "${RUNNER_TEMP:-${TMPDIR:-/tmp}}")
    # A runner empties its own; elsewhere what is a day old goes, so that it does not become ever more.
    if [ -z "${RUNNER_TEMP:-}" ]; then
      find "$temporary" -maxdepth 1 -type d -name 'gitops-steps.??????' -mtime +0 -exec rm -rf {} + 2>/dev/null || :
    fi
    folder=$(mktemp -d "$temporary/gitops-steps.XXXXXX") ||
      fail 1 "cannot make a folder in $temporary" 'see whether the disk is full'
    binary=$folder/gitops-steps$exe
    # The binary has its name as soon as it is known to be the right one, and not before.
    trap 'if [ -f "$binary" ]; then rm -rf "$folder/new"; else rm -rf "$folder"; fi' EXIT
    mkdir "$folder/new"
  }
  # Hands on a file in the folder's `new`.
  hand_on() {
    { chmod 755 "$1" && mv "$1" "$binary"; } || fail 1 "cannot write $binary" 'see whether the disk is full'
    printf '%s\n' "$binary"
    exit
  }
  # Ends unless one of these commands is there.
  need() {
    for tool in "$@"; do
      if command -v "$tool" >/dev/null 2>&1; then return; fi
    done
    fail 3 "no $(printf '%s' "$*" | sed 's/ / and no /g') here" 'install it, or give binary-path'
  }

  if [ "$from_source" = true ]; then
    [ -n "${1:-}" ] || fail 2 'from-source: there is no source here' 'give binary-path'
    need cargo
    new_folder
    # Where the runner empties the folder after the job, the next use of the action need not build it again.
    built=$folder/new
    if [ -n "${RUNNER_TEMP:-}" ]; then built=$temporary/gitops-steps-source; fi
    # In the source's own folder, whose settings count then, not those of the repository that the job works on.
    cd "$1" && unset CARGO_BUILD_TARGET
    cargo build --release --locked --target-dir "$built" >&2 ||
      fail 1 'the build from source failed' 'cargo has said why'
    cp "$built/release/gitops-steps$exe" "$folder/new/built" ||
      fail 1 "the build from source left no binary in $built/release" "see what cargo's configuration says of build"
    hand_on "$folder/new/built"
  fi

  otherwise='give binary-path, or from-source: true where cargo is installed'
  [ -n "$target" ] ||
    fail 3 "there is no binary for $(uname -s) on $(uname -m), only for Linux, macOS and Windows on x86_64 and arm64" \
      "$otherwise"
  # shellcheck disable=SC2046 # version, target, hash of the archive, hash of the binary
  set -- $(printf '%s\n' "$manifest" | grep "^[0-9][^ ]* $target ")
  [ $# -eq 4 ] ||
    fail 3 "this commit pins no binary for $target" "only a release does: use a tag vX.Y.Z or its commit; or $otherwise"
  version=$1 archive_hash=$3 binary_hash=$4

  need sha256sum shasum
  # From standard input: sha256sum escapes a name that holds a backslash.
  hash_of() { if command -v sha256sum >/dev/null 2>&1; then sha256sum; else shasum -a 256; fi <"$1" | cut -c 1-64; }
  is() { [ -f "$1" ] && [ "$(hash_of "$1")" = "$2" ]; }

  new_folder
  # The tool cache, else what lasts as long as the job. A cache can be read-only, and another job may write to it at any
  # time: so the copy is what is hashed.
  place=''
  for root in "${RUNNER_TOOL_CACHE:-}" "${RUNNER_TEMP:-}"; do
    if [ -z "$root" ]; then continue; fi
    place=$(unix_path "$root")/gitops-steps/$version/$arch
    kept=$place/gitops-steps$exe
    if [ -f "$place.complete" ]; then
      if [ -f "$kept" ] && cp "$kept" "$folder/new/kept" 2>/dev/null && is "$folder/new/kept" "$binary_hash"; then
        hand_on "$folder/new/kept"
      fi
      tell warning "$kept is not the binary of gitops-steps $version" 'it is fetched again'
    fi
    if [ -d "$kept" ]; then rm -rf "$kept" 2>/dev/null || :; fi
    if mkdir -p "$place" 2>/dev/null && [ -w "$place" ] && [ ! -d "$kept" ]; then break; fi
    place=''
  done

  base=${GITOPS_STEPS_DOWNLOAD_BASE:-https://github.com/org/gitops-steps/releases/download}
  name=gitops-steps-$version-$target
  url=${base%/}/v$version/$name.tar.gz
  bases='give an https:// or file:/// URL'
  case $base in
    *[!A-Za-z0-9:/._~%+@=,\ -]*) fail 2 'download-base holds what no URL does' "$bases" ;;
    https://*\ *) fail 2 'download-base holds a space' 'write it as %20' ;;
    https://[!/]*) need curl wget ;;
    file:///?*) ;;
    *) fail 2 'download-base is no URL to download from' "$bases" ;;
  esac
  shown=$(printf '%s' "$url" | sed 's|//[^/]*@|//|')
  need gzip
  need tar

  # Prints the status of the answer; $1 is a file of certificates to trust, or empty.
  # The hash is what is relied on. Only curl can be held to https where a server sends it elsewhere.
  request() {
    if command -v curl >/dev/null 2>&1; then
      curl --fail --silent --show-error --location --proto '=https' --globoff --connect-timeout 20 --max-time 300 \
        ${1:+--cacert "$1"} --output "$folder/new/archive" --write-out '%{http_code}' "$url"
      return
    fi
    # Wget knows the variables of proxies in lower case only, and busybox's no option for certificates.
    https_proxy=${https_proxy:-${HTTPS_PROXY:-${all_proxy:-${ALL_PROXY:-}}}} no_proxy=${no_proxy:-${NO_PROXY:-}}
    export https_proxy no_proxy
    if [ -n "$1" ] && ! wget --version >/dev/null 2>&1; then set -- ''; fi
    answer=0
    LC_ALL=C wget -T 60 -t 1 ${1:+--ca-certificate="$1"} -O "$folder/new/archive" "$url" 2>"$folder/new/told" ||
      answer=$?
    if [ "$answer" -ne 0 ]; then
      grep -Ei 'error|failed|wget:' "$folder/new/told" | sed 's|//[^/]*@|//|g' >&2 || :
    fi
    # `HTTP/1.1 404 Not Found` is busybox's.
    sed -n 's/.*ERROR \([0-9][0-9][0-9]\).*/\1/p; s/.*error: HTTP[^ ]* \([0-9][0-9][0-9]\).*/\1/p' "$folder/new/told"
    # As curl ends where the server's certificate is not trusted.
    if [ "$answer" -eq 5 ]; then answer=60; fi
    return "$answer"
  }
  # Sets $code to 0, to 5 where another try is of no use, or to 6.
  download() {
    code=0 answer=0
    case $system$url in
      Windowsfile:///[A-Za-z]:*) cp "${url#file:///}" "$folder/new/archive" >&2 || code=6 ;;
      *file:*) cp "${url#file://}" "$folder/new/archive" >&2 || code=6 ;;
      *)
        status=$(request "$1") || answer=$?
        case $answer:$status in
          0:*) ;;
          *:408 | *:429) code=6 ;;
          60:* | 77:* | *:4[0-9][0-9]) code=5 ;;
          *) code=6 ;;
        esac
        ;;
    esac
  }
  where='see whether the address is right and can be reached from here; download-base names a mirror'
  authorities=${SSL_CERT_FILE:-${CURL_CA_BUNDLE:-}}
  attempt=1
  download "$authorities"
  # An authority of git's is trusted beside those of the system.
  if { [ "$answer" -eq 60 ] || [ "$answer" -eq 77 ]; } && [ -n "${GIT_SSL_CAINFO:-}" ]; then
    authorities=$GIT_SSL_CAINFO
    download "$authorities"
  fi
  while [ "$code" -ne 0 ]; do
    [ "$code" -eq 6 ] && [ "$attempt" -lt 3 ] || fail "$code" "cannot download $shown" "$where"
    sleep "$attempt"
    attempt=$((attempt + 1))
    download "$authorities"
  done

  is "$folder/new/archive" "$archive_hash" ||
    fail 1 "$shown is not the archive that gitops-steps $version pins" "its SHA-256 must be $archive_hash"
  gzip -dc <"$folder/new/archive" | tar -xf - -C "$folder/new" "$name/gitops-steps$exe" >&2 || :
  fetched=$folder/new/$name/gitops-steps$exe
  is "$fetched" "$binary_hash" ||
    fail 1 "$shown does not hold the binary that gitops-steps $version pins" "its SHA-256 must be $binary_hash"

  # Moved into the cache whole, so that a job that starts meanwhile sees all of it or nothing. On Windows a binary that
  # runs cannot be replaced. Either way this job has its own.
  if [ -n "$place" ] && staged=$(mktemp "$place/gitops-steps.XXXXXX" 2>/dev/null); then
    { cp "$fetched" "$staged" && chmod 755 "$staged" && mv -f "$staged" "$kept" && : >"$place.complete"; } 2>/dev/null ||
      rm -f "$staged"
  fi
  hand_on "$fetched"
)

set -eu
manifest=$(cat "$(dirname "$0")/manifest.txt")
binary=$(install_gitops_steps "$(dirname "$0")/..")
if [ -z "${GITHUB_OUTPUT:-}" ]; then
  printf '%s\n' "$binary"
  exit
fi
printf 'binary=%s\n' "$binary" >>"$GITHUB_OUTPUT"
# A workflow may write the command as a block, with a line break at its end, and in capitals.
command=$(printf '%s' "${GITOPS_STEPS_COMMAND:-}" | tr '[:upper:]\n\r\t' '[:lower:]   ' | sed 's/^ *//; s/ *$//')
if [ "$command" != install ]; then
  printf 'run=true\n' >>"$GITHUB_OUTPUT"
  exit
fi
folder=${binary%[/\\]*}
if command -v cygpath >/dev/null 2>&1; then folder=$(cygpath -w "$folder"); fi
printf '%s\n' "$folder" >>"$GITHUB_PATH"
