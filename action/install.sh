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
  # Ends with an exit code of the command line's, a message and a hint.
  fail() {
    tell error "$2" "$3"
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
  new_folder() { mktemp -d "$(unix_path "${RUNNER_TEMP:-${TMPDIR:-/tmp}}")/gitops-steps.XXXXXX"; }
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
    folder=$(new_folder) || exit 1
    # In the source's own folder, whose settings count then, not those of the repository that the job works on.
    cd "$1" && unset CARGO_BUILD_TARGET
    cargo build --release --locked --target-dir "$folder" >&2 ||
      fail 1 'the build from source failed' 'cargo has said why'
    printf '%s\n' "$folder/release/gitops-steps$exe"
    exit
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

  # The tool cache, else what lasts as long as the job. A cache can be read-only, and holds what any job left there.
  place=''
  for root in "${RUNNER_TOOL_CACHE:-}" "${RUNNER_TEMP:-}"; do
    if [ -z "$root" ]; then continue; fi
    place=$(unix_path "$root")/gitops-steps/$version/$arch
    binary=$place/gitops-steps$exe
    if [ -f "$place.complete" ]; then
      if is "$binary" "$binary_hash" && [ -x "$binary" ]; then
        printf '%s\n' "$binary"
        exit
      fi
      tell warning "$binary is not the binary of gitops-steps $version" 'it is fetched again'
    fi
    if mkdir -p "$place" 2>/dev/null && [ -w "$place" ]; then break; fi
    place=''
  done
  work=$(new_folder) || exit 1
  trap 'rm -rf "$work"' EXIT
  if [ -z "$place" ]; then place=$(new_folder)/$arch && mkdir "$place" || exit 1; fi
  binary=$place/gitops-steps$exe

  base=${GITOPS_STEPS_DOWNLOAD_BASE:-https://github.com/org/gitops-steps/releases/download}
  name=gitops-steps-$version-$target
  url=${base%/}/v$version/$name.tar.gz
  bases='give an https:// or file:/// URL'
  case $base in
    *[!A-Za-z0-9:/._~%+@=,\ -]*) fail 2 'download-base holds what no URL does' "$bases" ;;
    https://[!/]*) need curl wget ;;
    file:///?*) ;;
    *) fail 2 'download-base is no URL to download from' "$bases" ;;
  esac
  shown=$(printf '%s' "$url" | sed 's|//[^/]*@|//|')
  need gzip
  need tar

  # The hash is what is relied on. Only curl can be held to https where a server sends it elsewhere.
  download() {
    case $system$url in
      Windowsfile:///[A-Za-z]:*) cp "${url#file:///}" "$1" ;;
      *file:*) cp "${url#file://}" "$1" ;;
      *) if command -v curl >/dev/null 2>&1; then
        curl --fail --silent --show-error --location --proto '=https' --globoff --connect-timeout 20 --max-time 300 \
          --output "$1" "$url"
      else
        wget -q -T 60 -t 1 -O "$1" "$url"
      fi ;;
    esac >&2
  }
  where='see whether the address is right and can be reached from here; download-base names a mirror'
  attempt=1
  until download "$work/archive"; do
    # So curl and wget end where the server has said no.
    case $? in 22 | 8) code=5 ;; *) code=6 ;; esac
    [ "$attempt" -lt 3 ] || fail "$code" "cannot download $shown" "$where"
    sleep "$attempt"
    attempt=$((attempt + 1))
  done

  is "$work/archive" "$archive_hash" ||
    fail 1 "$shown is not the archive that gitops-steps $version pins" "its SHA-256 must be $archive_hash"
  gzip -dc <"$work/archive" | tar -xf - -C "$work" "$name/gitops-steps$exe" >&2 || :
  is "$work/$name/gitops-steps$exe" "$binary_hash" ||
    fail 1 "$shown does not hold the binary that gitops-steps $version pins" "its SHA-256 must be $binary_hash"

  # Moved into place whole, so that a job that starts meanwhile sees all of it or nothing.
  staged=$(mktemp "$place/gitops-steps.XXXXXX") || exit 1
  # On Windows a binary that runs cannot be replaced; it may well be the right one.
  if ! { cp "$work/$name/gitops-steps$exe" "$staged" && chmod 755 "$staged" && mv -f "$staged" "$binary"; }; then
    rm -f "$staged"
  fi
  is "$binary" "$binary_hash" || fail 1 "cannot write $binary" 'see whether the disk is full'
  : >"$place.complete"
  printf '%s\n' "$binary"
)

set -eu
manifest=$(cat "$(dirname "$0")/manifest.txt")
binary=$(install_gitops_steps "$(dirname "$0")/..")
if [ -z "${GITHUB_OUTPUT:-}" ]; then
  printf '%s\n' "$binary"
  exit
fi
printf 'binary=%s\n' "$binary" >>"$GITHUB_OUTPUT"
# A workflow's `!=` does not tell upper from lower case.
if [ "$(printf '%s' "${GITOPS_STEPS_COMMAND:-}" | tr '[:upper:]' '[:lower:]')" = install ]; then
  folder=${binary%[/\\]*}
  if command -v cygpath >/dev/null 2>&1; then folder=$(cygpath -w "$folder"); fi
  printf '%s\n' "$folder" >>"$GITHUB_PATH"
fi
