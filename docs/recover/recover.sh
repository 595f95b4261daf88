#!/bin/sh
# Gives back everything of one bundle of this vault: documents (YAML) and disks (raw, sparse), bit for bit.
# Needs gpg 2.2 or later, or sq (before 1.0 with openssl; for profile rfc9580 from 1.0 on); tar, zstd, awk, sed and coreutils;
# nothing of Baluchon. HOWTO-RECOVER.md says what it does, by hand.
#
#   sh recover.sh --passphrase-file FILE [--bundle ID] OUT
#   sh recover.sh --paper FILE [--bundle ID] OUT              (a paper key, typed in or scanned)
#   sh recover.sh --identity KEY.asc [--identity-passphrase-file FILE] [--bundle ID] OUT
#
# With --gpg or --sq it uses that program; else gpg where it is installed and reads the vault's profile, else sq.
#
# OUT/documents/<kind>/<id>.yaml  OUT/disks/<id>.raw        Exit: 0 all is there, 1 damaged, 2 usage, 5 wrong key.
set -eu
LC_ALL=C
export LC_ALL
umask 077

say() { printf '%s\n' "$*" >&2; }
die() { code=$1; shift; say "recover: $*"; exit "$code"; }
usage() { sed -n '6,8s/^# *//p' "$0" >&2; exit 2; }
failed=0
warn() { say "recover: $*"; failed=1; }

passphrase= paper= identity= identity_passphrase= bundle=latest out= tool=
while [ $# -gt 0 ]; do
  case $1 in
    --gpg | --sq) tool=${1#--}; shift ;;
    --passphrase-file | --paper | --identity | --identity-passphrase-file | --bundle)
      [ $# -ge 2 ] || usage
      case $1 in
        --passphrase-file) passphrase=$2 ;;
        --paper) paper=$2 ;;
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
[ -n "$passphrase$paper$identity" ] || usage
for file in "$passphrase" "$paper" "$identity" "$identity_passphrase"; do
  [ -z "$file" ] || [ -r "$file" ] || die 2 "can't read $file"
done
[ -f baluchon.yaml ] || [ -d keys ] || die 2 "run this in the vault's folder"
# Bytes of a chunk and entries of a page, as the vault says, and how it is sealed.
profile() { { [ ! -f baluchon.yaml ] || sed -n "s/^  $1: *\($3\) *\$/\1/p" baluchon.yaml; echo "$2"; } | sed 1q; }
number='[1-9][0-9]\{0,9\}'
chunk_size=$(profile chunk_size 262144 "$number")
page_size=$(profile page_size 1024 "$number")
sealing=$(profile sealing rfc4880 'rfc[0-9]*')
if [ -z "$tool" ]; then
  tool=gpg
  if command -v sq >/dev/null && { [ "$sealing" = rfc9580 ] || ! command -v gpg >/dev/null; }; then tool=sq; fi
fi
command -v "$tool" >/dev/null || die 2 "$tool is missing: install it first (gpg or sq)"
# From 1.0 on sq calls options otherwise, takes passphrases from files, and reads RFC 9580: a new one.
sq= recipient=--recipient-key signer=--signer-cert
if [ "$tool" = sq ]; then
  help=$(sq --help 2>&1; sq decrypt --help 2>&1)
  case $help in *--recipient-file*) recipient=--recipient-file ;; esac
  case $help in *--signer-file*) signer=--signer-file ;; esac
  case $help in *--password-file*) sq=new ;; *) sq=old ;; esac
fi
for program in $([ "$sq" != old ] || echo openssl od head) tar zstd awk sed sort join dd sha256sum truncate mktemp; do
  command -v "$program" >/dev/null || die 2 "$program is missing: install it first"
done
[ "$sq" != old ] || [ -z "$identity_passphrase" ] || die 2 "this sq does not take a key's passphrase from a file: use gpg, or give a key without one (sq key password --clear)"
[ "$sealing" = rfc4880 ] || [ "$sq" = new ] || die 2 "this vault is sealed with profile $sealing, which takes sq 1.0 or later: install that, or use Baluchon"
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
mkdir "$GNUPGHOME" "$tmp/pack" "$tmp/keys" "$tmp/certs"
first_line() { awk 'NR == 1 { sub(/\r$/, ""); printf "%s", $0 }' "$1"; }
# They are needed more than once, and may come from a pipe.
[ -z "$passphrase" ] || { cat "$passphrase" >"$tmp/passphrase"; passphrase=$tmp/passphrase; }
[ -z "$identity_passphrase" ] || { first_line "$identity_passphrase" >"$tmp/passphrase"; identity_passphrase=$tmp/passphrase; }

# A paper key's 64 characters; each of its four lines ends with 4 that check it. docs/format.md has them in full.
paper_phrase() {
  tr 'A-Z' 'a-z' <"$1" | tr -d '\r' | awk '
    function clean(text) { gsub(/[ \t-]/, "", text); gsub(/o/, "0", text); gsub(/[il]/, "1", text); return text }
    /baluchon-paper\/1/ { sub(/.*baluchon-paper\/1[ \t]*/, ""); code = clean($0); next }
    /^[ \t]*[1-4][ \t.:)]/ { sub(/^[ \t]*/, ""); number = substr($0, 1, 1); sub(/^[1-4][ \t.:)]*/, ""); line[number] = clean($0); some = 1; next }
    { rest = rest clean($0) }
    END { if (!some) { if (code == "") code = rest; for (n = 1; n <= 4; n++) line[n] = substr(code, n * 16 - 15, 16) }
      for (n = 1; n <= 4; n++) print line[n] }' >"$tmp/lines"
  : >"$tmp/passphrase"
  number=0
  while read -r line; do
    number=$((number + 1))
    data=${line%????}
    bits=$((0x$(printf 'baluchon-paper/1 %s %s' "$number" "$data" | sha256sum | cut -c 1-5)))
    check=
    for shift in 15 10 5 0; do check=$check$(echo 0123456789abcdefghjkmnpqrstvwxyz | cut -c $(((bits >> shift & 31) + 1))); done
    [ "${#line}" -eq 16 ] && [ "$data$check" = "$line" ] || die 2 "$1: line $number of the paper key is missing or mistyped"
    printf %s "$line" >>"$tmp/passphrase"
  done <"$tmp/lines"
}
if [ -n "$paper" ]; then
  paper_phrase "$paper"
  passphrase=$tmp/passphrase
fi

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

# The session key of a message behind a passphrase (RFC 4880, 3.7.1.3 and 5.3), for an sq that takes none from a file.
session_key() {
  head=$(od -An -v -tx1 -N 15 "$1" | tr -d ' \n')
  case $head in c32e04090308*) ;; *) return 1 ;; esac
  dd if="$1" of="$tmp/salted" bs=1 skip=6 count=8 2>>"$tmp/log"
  first_line "$2" >>"$tmp/salted"
  octet=$((0x${head#????????????????????????????}))
  length=$(wc -c <"$tmp/salted")
  count=$(((16 + (octet & 15)) << ((octet >> 4) + 6)))
  [ "$count" -ge "$length" ] || count=$length
  while [ "$length" -lt 1048576 ] && [ "$length" -lt "$count" ]; do
    cat "$tmp/salted" "$tmp/salted" >"$tmp/twice"
    mv "$tmp/twice" "$tmp/salted"
    length=$((length * 2))
  done
  key=$(done=0; while [ "$done" -lt "$count" ]; do cat "$tmp/salted"; done=$((done + length)); done 2>>"$tmp/log" | head -c "$count" | sha256sum | cut -d ' ' -f 1)
  key=$(dd if="$1" bs=1 skip=15 count=33 2>>"$tmp/log" | openssl enc -d -aes-256-cfb -K "$key" -iv 00000000000000000000000000000000 2>>"$tmp/log" | od -An -v -tx1 | tr -d ' \n')
  case $key in 09*) echo "${key#09}" ;; *) return 1 ;; esac
}
# Runs sq decrypt with a list of signers, one of whom must have signed; without a list nobody is asked for.
sq_open() {
  signers=$1
  shift
  if [ -n "$signers" ]; then while read -r one; do set -- "$@" "$signer" "$one"; done <"$signers"; fi
  [ "$sq" = old ] || set -- --home none --batch "$@"
  sq decrypt "$@" 2>>"$tmp/log"
}
# FILE OUT SIGNERS OPTIONS: 3 when it opens and nobody in the file SIGNERS, if there is one, has signed it.
sq_message() {
  file=$1 to=$2 by=${3-}
  shift; shift; [ $# -eq 0 ] || shift
  if [ -n "$by" ] && [ -s "$by" ]; then sq_open "$by" "$@" "$file" >"$to" && return 0; fi
  sq_open '' "$@" "$file" >"$to" || return 1
  [ -z "$by" ] || return 3
}
gpg_message() {
  file=$1 to=$2 by=${3-}
  shift; shift; [ $# -eq 0 ] || shift
  # It fails as well where it does not know who signed: then there is something to look at.
  if ! pgp --status-file "$tmp/status" "$@" --decrypt "$file" >"$to" </dev/null; then [ -n "$by" ] && [ -s "$to" ] || return 1; fi
  [ -z "$by" ] || signed_by "$by" || return 3
}
# Opens a message with the keys imported so far, or with the first line of a file.
with_keys() {
  file=$1 to=$2 by=${3-}
  if [ "$tool" = sq ]; then
    set --
    for key in "$tmp"/keys/*.asc; do set -- "$@" "$recipient" "$key"; done
    [ -z "$identity_passphrase" ] || set -- "$@" --password-file "$identity_passphrase"
    sq_message "$file" "$to" "$by" "$@"
  else
    set --
    [ -z "$identity_passphrase" ] || set -- --passphrase-file "$identity_passphrase"
    gpg_message "$file" "$to" "$by" "$@"
  fi
}
with_phrase() {
  if [ "$sq" = new ]; then
    first_line "$2" >"$tmp/phrase"
    sq_message "$1" "$3" "${4-}" --password-file "$tmp/phrase"
  elif [ "$sq" = old ]; then
    session=$(session_key "$1" "$2") && sq_message "$1" "$3" "${4-}" --session-key "$session"
  else
    gpg_message "$1" "$3" "${4-}" --passphrase-file "$2"
  fi
}
# True when the last message bore a good signature of somebody listed in the file $1.
signed_by() {
  awk -v list="$1" 'BEGIN { while ((getline line < list) > 0) good[line] = 1 }
    $2 == "VALIDSIG" && good[$NF] { found = 1 } END { exit !found }' "$tmp/status"
}
# Takes the armored keys of stdin; lists the secret ones as signers.
take_keys() {
  if [ "$tool" = gpg ]; then
    cat >"$tmp/armored"
    pgp --import "$tmp/armored" || return 1
    gpg --batch --quiet --with-colons --show-keys "$tmp/armored" 2>/dev/null |
      awk -F : '$1 == "sec" { first = 1 } $1 == "fpr" && first { print $10; first = 0 }'
  else
    awk -v folder="$tmp/keys" -v from="$(ls "$tmp/keys" | awk 'END { print NR }')" '
      /-----BEGIN PGP/ { file = sprintf("%s/%06d.asc", folder, ++from); print file }
      file != "" { print >file }
      /-----END PGP/ { close(file); file = "" }'
  fi
}

# 1. The owner's own key: given, or what the passphrase opens.
opened=
if [ -n "$identity" ]; then
  take_keys <"$identity" >"$tmp/mine" && [ -s "$tmp/mine" ] || die 5 'wrong passphrase or key'
  opened=yes
else
  for file in keys/pass-*.pgp; do
    [ -f "$file" ] && intact "$file" || continue
    with_phrase "$file" "$passphrase" "$tmp/slot" || continue
    armored "$tmp/slot" | take_keys >"$tmp/mine" || die 1 "damaged: $file"
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
    with_keys "$file" "$tmp/secrets" || continue
    opened=yes
    break 2
  done
done
[ -n "$opened" ] || die 5 'wrong passphrase or key'
identity_passphrase=
armored "$tmp/secrets" | take_keys >"$tmp/signers" || die 1 "damaged: $file"
listed "$tmp/secrets" index >"$tmp/index-secrets"

# Deciphers a file that is sealed with the index secret; 3 when nobody listed in the file $3 has signed it.
with_index_secret() {
  while read -r secret; do
    printf '%s\n' "$secret" >"$tmp/secret"
    with_phrase "$1" "$tmp/secret" "$2" "${3-}" && return 0
    [ $? -ne 3 ] || return 3
  done <"$tmp/index-secrets"
  return 1
}

# 3. Who may write: the newest roster that the newest of the vault's keys signed; else one that an older key did.
: >"$tmp/kept"
roster=
sed 1q "$tmp/signers" >"$tmp/newest"
for list in "$tmp/newest" "$tmp/signers"; do
  for file in $(ls keys | sed -n 's/^roster-[0-9]*\..*\.pgp$/keys\/&/p' | sort -r); do
    intact "$file" && with_index_secret "$file" "$tmp/roster" "$list" || continue
    roster=$file
    break 2
  done
done
if [ -n "$roster" ]; then
  # Writers' certificates by fingerprint; of a writer that was removed only the files count that were there then.
  awk -v folder="$tmp/certs" -v active="$tmp/active" -v kept="$tmp/kept" '
    function done() { if (id != "") { if (removed) for (n = 1; n <= files; n++) print file[n], id >>kept; else print id >>active
        out = folder "/" id ".asc"; printf "%s", certificate >out; close(out) }
      id = ""; removed = 0; files = 0; certificate = "" }
    /^[^ -]/ { done(); on = $1 == "writers:"; next }
    !on { next }
    /^ *- [a-z]+:/ && !/^    / { done() }
    /-----BEGIN PGP/ { inside = 1 }
    inside { line = $0; sub(/^ */, "", line); certificate = certificate line "\n" }
    /-----END PGP/ { inside = 0 }
    inside { next }
    $1 == "fingerprint:" || $2 == "fingerprint:" { id = $NF; gsub(/[^0-9A-F]/, "", id) }
    $1 == "removed:" { removed = 1 }
    $1 == "-" && $2 ~ /^(bundles|index)\/[0-9A-Za-z.-]+$/ { file[++files] = $2 }
    END { done() }' "$tmp/roster"
  for cert in "$tmp"/certs/*.asc; do [ "$tool" != gpg ] || [ ! -f "$cert" ] || pgp --import "$cert" || :; done
else
  warn "no good list of writers: bundles of others than owners can't be trusted"
fi
# Who may have signed a file, one a line: fingerprints for gpg, certificates for sq.
allowed() {
  cat "$tmp/signers"
  { [ ! -f "$tmp/active" ] || cat "$tmp/active"; awk -v name="$1" '$1 == name { print $2 }' "$tmp/kept"; } | sort -u |
    if [ "$tool" = gpg ]; then cat; else sed "s,.*,$tmp/certs/&.asc,"; fi
}

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
allowed "$manifest" >"$tmp/allowed"
status=0
with_keys "$manifest" "$tmp/manifest" "$tmp/allowed" || status=$?
[ "$status" -ne 3 ] || die 1 "$manifest: not signed by a key of this vault, or by a writer that was removed"
[ "$status" -eq 0 ] || die 1 "damaged: $manifest"
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
  with_keys "$file" "$tmp/pack.tar" || { warn "damaged: $file"; return 1; }
  tar -xf "$tmp/pack.tar" -C "$tmp/pack" --no-same-owner --no-same-permissions || { warn "damaged: $file"; return 1; }
  tar -tf "$tmp/pack.tar" >"$tmp/names"
  rm "$tmp/pack.tar"
}

# 6. Where each chunk lies ("id pack"): from the index; a pack that no index names is looked into.
: >"$tmp/places"
for file in index/*.pgp; do
  [ -f "$file" ] || continue
  [ "$(digest "$file").pgp" = "${file##*/}" ] && { allowed "$file" >"$tmp/allowed"; with_index_secret "$file" "$tmp/part" "$tmp/allowed"; } || { say "recover: damaged, done without: $file"; continue; }
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
