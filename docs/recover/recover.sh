#!/bin/sh
# Gives back everything of one bundle of this vault: documents (YAML) and disks (raw, sparse), bit for bit.
# Needs gpg 2.2 or later, tar, zstd, awk, sed and coreutils; nothing of Baluchon. HOWTO-RECOVER.md says what it does, by hand.
#
#   sh recover.sh --passphrase-file FILE [--bundle ID] OUT
#   sh recover.sh --identity KEY.asc [--identity-passphrase-file FILE] [--bundle ID] OUT
#
# OUT/documents/<kind>/<id>.yaml  OUT/disks/<id>.raw        Exit: 0 all is there, 1 damaged, 2 usage, 5 wrong key.
set -eu
LC_ALL=C
export LC_ALL
umask 077

say() { printf '%s\n' "$*" >&2; }
die() { code=$1; shift; say "recover: $*"; exit "$code"; }
usage() { sed -n '5,6s/^# *//p' "$0" >&2; exit 2; }
failed=0
warn() { say "recover: $*"; failed=1; }

passphrase= identity= identity_passphrase= bundle=latest out=
while [ $# -gt 0 ]; do
  case $1 in
    --passphrase-file | --identity | --identity-passphrase-file | --bundle)
      [ $# -ge 2 ] || usage
      case $1 in
        --passphrase-file) passphrase=$2 ;;
        --identity) identity=$2 ;;
        --identity-passphrase-file) identity_passphrase=$2 ;;
        --bundle) bundle=$2 ;;
      esac
      shift 2 ;;
    -*) usage ;;
    *) [ -z "$out" ] || usage; out=$1; shift ;;
  esac
done
[ -n "$out" ] || usage
[ -n "$passphrase$identity" ] || usage
for file in "$passphrase" "$identity" "$identity_passphrase"; do
  [ -z "$file" ] || [ -r "$file" ] || die 2 "can't read $file"
done
for tool in gpg tar zstd awk sed sort join dd sha256sum truncate mktemp; do
  command -v "$tool" >/dev/null || die 2 "$tool is missing: install it first"
done
[ -f baluchon.yaml ] || [ -d keys ] || die 2 "run this in the vault's folder"
# Bytes of a chunk and entries of a page, as the vault says.
profile() { { [ ! -f baluchon.yaml ] || sed -n "s/^  $1: *\([1-9][0-9]\{0,9\}\) *\$/\1/p" baluchon.yaml; echo "$2"; } | sed 1q; }
chunk_size=$(profile chunk_size 262144)
page_size=$(profile page_size 1024)
[ ! -e "$out" ] || [ -z "$(ls -A "$out")" ] || die 2 "$out is not empty"

# The agent's socket must have a short path.
case ${TMPDIR:-/tmp} in ????????????????????????????????????????*) TMPDIR=/tmp ;; esac
tmp=$(mktemp -d "${TMPDIR:-/tmp}/recover.XXXXXX")
clean() {
  GNUPGHOME=$tmp/gpg gpgconf --kill all >/dev/null 2>&1 || :
  rm -rf "$tmp"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
GNUPGHOME=$tmp/gpg
export GNUPGHOME
mkdir "$GNUPGHOME" "$tmp/pack"
# They are needed more than once, and may come from a pipe.
[ -z "$passphrase" ] || { cat "$passphrase" >"$tmp/passphrase"; passphrase=$tmp/passphrase; }
[ -z "$identity_passphrase" ] || { cat "$identity_passphrase" >"$tmp/passphrase"; identity_passphrase=$tmp/passphrase; }

pgp() { gpg --batch --quiet --no-tty --no-auto-check-trustdb --trust-model always --pinentry-mode loopback "$@" 2>>"$tmp/log"; }
digest() { sha256sum <"$1" | cut -d ' ' -f 1; }
# The digest in a file's name is that of its bytes.
intact() {
  name=${1##*/}
  wanted=$(printf '%s\n' "$name" | sed 's/\.tar\.pgp$//; s/\.pgp$//; s/\.packs$//; s/.*\.//')
  [ "$(digest "$1")" = "$wanted" ] || { warn "damaged: $1"; return 1; }
}
# The armored keys in a YAML file.
armored() { sed -n '/-----BEGIN PGP/,/-----END PGP/{s/^[ -]*-----BEGIN/-----BEGIN/;s/^ *//;p;}' "$1"; }
# The lines "- value" under a top-level key of a YAML file.
listed() { awk -v key="$2:" '/^[^ -]/ { on = $1 == key; next } on && $1 == "-" { gsub(/[^0-9A-Za-z]/, "", $2); print $2 }' "$1"; }

# 1. The owner's own key: given, or what the passphrase opens.
opened=
if [ -n "$identity" ]; then
  pgp --import "$identity" || die 5 'wrong passphrase or key'
  opened=yes
else
  for file in keys/pass-*.pgp; do
    [ -f "$file" ] && intact "$file" || continue
    pgp --passphrase-file "$passphrase" --decrypt "$file" >"$tmp/slot" || continue
    armored "$tmp/slot" | pgp --import || die 1 "damaged: $file"
    opened=yes
    break
  done
fi
[ -n "$opened" ] || die 5 'wrong passphrase or key'

# 2. The vault's keys, sealed to the owner; the newest epoch holds those before it.
opened=
for epoch in $(ls keys | sed -n 's/^epoch-\([0-9]*\)$/\1/p' | sort -rn); do
  for file in keys/epoch-"$epoch"/owner-*.pgp; do
    [ -f "$file" ] && intact "$file" || continue
    if [ -n "$identity_passphrase" ]; then
      pgp --passphrase-file "$identity_passphrase" --decrypt "$file" >"$tmp/secrets" || continue
    else
      pgp --decrypt "$file" >"$tmp/secrets" </dev/null || continue
    fi
    opened=yes
    break 2
  done
done
[ -n "$opened" ] || die 5 'wrong passphrase or key'
armored "$tmp/secrets" | pgp --import || die 1 "damaged: $file"
armored "$tmp/secrets" | gpg --batch --quiet --with-colons --show-keys 2>/dev/null |
  awk -F : '$1 == "sec" { first = 1 } $1 == "fpr" && first { print $10; first = 0 }' >"$tmp/signers"
listed "$tmp/secrets" index >"$tmp/index-secrets"

# Deciphers a file that is sealed with the index secret.
with_index_secret() {
  while read -r secret; do
    printf '%s\n' "$secret" >"$tmp/secret"
    pgp --status-file "$tmp/status" --passphrase-file "$tmp/secret" --decrypt "$1" >"$2" && return 0
  done <"$tmp/index-secrets"
  return 1
}
# True when the last message bore a good signature of somebody listed in the file $1.
signed_by() {
  awk -v list="$1" 'BEGIN { while ((getline line < list) > 0) good[line] = 1 }
    $2 == "VALIDSIG" && good[$NF] { found = 1 } END { exit !found }' "$tmp/status"
}

# 3. Who may write: the newest roster, signed by the vault's key.
cp "$tmp/signers" "$tmp/writers"
roster=
for file in keys/roster-*.pgp; do [ ! -f "$file" ] || roster=$file; done
if [ -n "$roster" ] && intact "$roster" && with_index_secret "$roster" "$tmp/roster" && signed_by "$tmp/signers"; then
  armored "$tmp/roster" | pgp --import || :
  awk '/^[^ -]/ { on = $1 == "writers:" } on && ($1 == "fingerprint:" || $2 == "fingerprint:") { gsub(/[^0-9A-F]/, "", $NF); print $NF }' \
    "$tmp/roster" >>"$tmp/writers"
else
  warn "no good list of writers: bundles of others than owners can't be trusted"
fi

# 4. The manifest: name, seal, signature.
manifest=
for file in bundles/*.pgp; do
  id=${file##*-}
  case $bundle in
    latest) manifest=$file ;;
    *) case ${id%.pgp} in "$bundle"*) manifest=$file ;; esac ;;
  esac
done
[ -f "$manifest" ] || die 2 "no bundle $bundle here"
id=${manifest##*-}
case $(digest "$manifest") in "${id%.pgp}"*) ;; *) die 1 "damaged: $manifest" ;; esac
pgp --status-file "$tmp/status" --decrypt "$manifest" >"$tmp/manifest" || [ -s "$tmp/manifest" ] || die 1 "damaged: $manifest"
signed_by "$tmp/writers" || die 1 "$manifest: not signed by a key of this vault"
mkdir -p "$out"
zstd -dcq "$tmp/manifest" >"$tmp/manifest.tar"
tar -tf "$tmp/manifest.tar" | awk '!/^bundle\.yaml$|^recover\.txt$|^documents\/[a-z0-9_-]+\/[a-z0-9_-]+\.yaml$/ { exit 1 }' ||
  die 1 "$manifest: holds files it should not"
mkdir "$tmp/bundle"
tar -xf "$tmp/manifest.tar" -C "$tmp/bundle" --no-same-owner --no-same-permissions
[ ! -d "$tmp/bundle/documents" ] || cp -R "$tmp/bundle/documents" "$out/documents"
recover=$tmp/bundle/recover.txt
say "bundle ${id%.pgp}: $(tar -tf "$tmp/manifest.tar" | awk '/^documents/ { n++ } END { print n + 0 }') documents, $(awk '$1 == "disk" { n++ } END { print n + 0 }' "$recover") disks"

# 5. The packs it needs.
list=${manifest%.pgp}.packs
: >"$tmp/packs"
if [ "$(awk '$1 == "disk" && $5 != "-" { n++ } END { print n + 0 }' "$recover")" -gt 0 ]; then
  [ -f "$list" ] || die 1 "missing: $list"
  [ "$(digest "$list")" = "$(awk '$1 == "packs" { print $2 }' "$recover")" ] || die 1 "damaged: $list"
  awk '$2 ~ /^packs\// { print $1 }' "$list" >"$tmp/packs"
  for name in $(awk '$2 ~ /^lists\// { print $2 }' "$list"); do
    [ -f "$name" ] || { warn "missing: $name"; continue; }
    [ "$(sha256sum <"$name" | cut -d ' ' -f 1).packs" = "${name##*/}" ] || { warn "damaged: $name"; continue; }
    awk '$2 ~ /^packs\// { print $1 }' "$name" >>"$tmp/packs"
  done
fi
sort -u -o "$tmp/packs" "$tmp/packs"

# Unpacks a pack into $tmp/pack and lists its entries in $tmp/names.
unpack() {
  rm -rf "$tmp/pack"
  mkdir "$tmp/pack"
  : >"$tmp/names"
  file=packs/$(printf %.2s "$1")/$1.tar.pgp
  [ -f "$file" ] || { warn "missing: $file"; return 1; }
  [ "$(digest "$file")" = "$1" ] || { warn "damaged: $file"; return 1; }
  pgp --decrypt "$file" >"$tmp/pack.tar" || { warn "damaged: $file"; return 1; }
  tar -xf "$tmp/pack.tar" -C "$tmp/pack" --no-same-owner --no-same-permissions || { warn "damaged: $file"; return 1; }
  tar -tf "$tmp/pack.tar" >"$tmp/names"
  rm "$tmp/pack.tar"
}

# 6. Where each chunk lies ("id pack"): from the index; a pack that no index names is looked into.
: >"$tmp/places"
for file in index/*.pgp; do
  [ -f "$file" ] || continue
  [ "$(digest "$file").pgp" = "${file##*/}" ] && with_index_secret "$file" "$tmp/part" || { say "recover: damaged, done without: $file"; continue; }
  zstd -dcq "$tmp/part" | awk '$1 == "pack" { pack = $2; next } pack != "" && length($1) == 64 { print $1, pack }' >>"$tmp/places"
done
cut -d ' ' -f 2 "$tmp/places" | sort -u | join -v 1 "$tmp/packs" - >"$tmp/unknown"
while read -r pack; do
  unpack "$pack" || continue
  awk -v pack="$pack" '{ sub(/\.zst$/, ""); print $0, pack }' "$tmp/names" >>"$tmp/places"
done <"$tmp/unknown"
# Only what the signed list names.
sort -k 2,2 "$tmp/places" | join -1 2 -2 1 -o 1.1,1.2 - "$tmp/packs" | sort -u -k 1,1 >"$tmp/where"

# Adds the pack to lines "id disk number", giving "pack disk number id"; what no pack holds goes to $tmp/lost.
locate() {
  sort -k 1,1 "$1" >"$tmp/wanted"
  join -o 2.2,1.2,1.3,1.1 "$tmp/wanted" "$tmp/where" | sort -k 1,1 -k 2,2 -k 3,3n >"$2"
  join -v 1 -o 1.2,1.3 "$tmp/wanted" "$tmp/where" >>"$tmp/lost"
}
: >"$tmp/lost"

# 7. Down the pages, level by level, all disks at once. Lines: "id disk number level".
mkdir "$out/disks"
: >"$tmp/chunks"
awk '$1 == "disk" && $5 != "-" { print $5, $2, 0, $4 - 1 }' "$recover" >"$tmp/pages"
while [ -s "$tmp/pages" ]; do
  awk '{ print $1, $2 ":" $4, $3 }' "$tmp/pages" >"$tmp/now"
  : >"$tmp/pages"
  locate "$tmp/now" "$tmp/found"
  last=
  while read -r pack where number id; do
    if [ "$pack" != "$last" ]; then
      last=$pack
      unpack "$pack" || :
    fi
    disk=${where%:*}
    level=${where##*:}
    if [ -f "$tmp/pack/$id.zst" ]; then zstd -dcq "$tmp/pack/$id.zst" >"$tmp/page"
    elif [ -f "$tmp/pack/$id" ]; then cp "$tmp/pack/$id" "$tmp/page"
    else printf '%s %s\n' "$disk" "$number" >>"$tmp/lost"; continue; fi
    awk -v disk="$disk" -v level="$level" -v first="$number" -v size="$page_size" -v chunks="$tmp/chunks" -v pages="$tmp/pages" '
      BEGIN { at = first * size }
      $1 == "-" { at += $2 == "" ? 1 : $2; next }
      { if (level == 0) printf "%s %s %.0f\n", $1, disk, at >>chunks
        else printf "%s %s %.0f %d\n", $1, disk, at, level - 1 >>pages
        at++ }' "$tmp/page"
  done <"$tmp/found"
done

# 8. The disks: empty ones of the right size, then each pack once, neighbouring chunks together.
awk '$1 == "disk" { print $2, $3 }' "$recover" >"$tmp/sizes"
while read -r disk size; do truncate -s "$size" "$out/disks/$disk.raw"; done <"$tmp/sizes"
locate "$tmp/chunks" "$tmp/found"
cut -d ' ' -f 1 "$tmp/found" | sort -u >"$tmp/order"
total=$(awk 'END { print NR }' "$tmp/order")
count=0
while read -r pack; do
  count=$((count + 1))
  [ $((count % 20)) -ne 0 ] || say "pack $count of $total"
  unpack "$pack" || :
  awk -v pack="$pack" '$1 == pack' "$tmp/found" | awk -v names="$tmp/names" '
    BEGIN { while ((getline name < names) > 0) { id = name; packed = sub(/\.zst$/, "", id); kind[id] = packed ? "zst" : "raw" } }
    function flush() { if (run != "") print run; run = "" }
    { is = ($4 in kind) ? kind[$4] : "lost"
      if (run == "" || $2 != disk || $3 != next_number || is != was || length(run) > 8000) { flush(); run = is " " $2 " " $3 }
      run = run " " $4 (is == "zst" ? ".zst" : "")
      disk = $2; was = is; next_number = $3 + 1 }
    END { flush() }' >"$tmp/runs"
  while read -r is disk number files; do
    case $is in
      zst) (cd "$tmp/pack" && zstd -dcq $files) ;;
      raw) (cd "$tmp/pack" && cat $files) ;;
      *) for file in $files; do printf '%s %s\n' "$disk" "$number" >>"$tmp/lost"; done; continue ;;
    esac | dd of="$out/disks/$disk.raw" bs="$chunk_size" seek="$number" conv=notrunc iflag=fullblock 2>>"$tmp/log" || die 1 "can't write $out/disks/$disk.raw: $(tail -n 1 "$tmp/log")"
  done <"$tmp/runs"
done <"$tmp/order"

awk '{ sub(/:.*/, "", $1); lost[$1]++ } END { for (disk in lost) print disk, lost[disk] }' "$tmp/lost" >"$tmp/lines"
while read -r disk chunks; do warn "disk $disk: $chunks pieces of $chunk_size bytes or more are lost, zeros stand in their place"; done <"$tmp/lines"
[ "$failed" = 0 ] || die 1 "not everything could be recovered into $out"
say "all is in $out"
