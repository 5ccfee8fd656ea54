#!/bin/sh
# Founds a cell with TLS, all of it in one folder:  found.sh DIR NAME[:PEERPORT[:CLIENTPORT]]...
# Issues new certificates for it:                   found.sh --renew DIR
# Needs openssl, and `fatty` on the path or in FATTY. DIR/authority signs certificates; keep it apart.
set -eu
umask 077
: "${FATTY:=fatty}" "${DAYS:=90}"

# The authority: a key, and a certificate that may sign others and nothing else.
authority() {
  mkdir -p "$dir/authority"
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$dir/authority/ca.key.pem" 2>/dev/null
  openssl req -x509 -new -key "$dir/authority/ca.key.pem" -days 3650 -subj "/CN=authority of a fatty cell" \
    -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" \
    -out "$dir/authority/ca.pem"
}

# A certificate of one member, for the name at which others reach it. Written beside and renamed: a
# replica that reads meanwhile finds a whole one.
certificate() { # FOLDER NAME
  case $2 in
    *[!0-9.]*) san="DNS:$2" ;;
    *) san="IP:$2" ;;
  esac
  [ -f "$1/tls.key.pem" ] || openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1/tls.key.pem" 2>/dev/null
  openssl req -new -key "$1/tls.key.pem" -subj "/CN=$2" -out "$1/tls.csr"
  printf 'subjectAltName=%s\nbasicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n' "$san" >"$1/tls.ext"
  openssl x509 -req -in "$1/tls.csr" -CA "$dir/authority/ca.pem" -CAkey "$dir/authority/ca.key.pem" \
    -CAcreateserial -days "$DAYS" -extfile "$1/tls.ext" -out "$1/tls.cert.pem.new" 2>/dev/null
  mv "$1/tls.cert.pem.new" "$1/tls.cert.pem"
  rm "$1/tls.csr" "$1/tls.ext"
  cp "$dir/authority/ca.pem" "$1/ca.pem"
  printf '%s\n' "$2" >"$1/tls.name"
}

if [ "${1:-}" = --renew ]; then
  dir=$2
  for name in "$dir"/r*/tls.name; do
    certificate "$(dirname "$name")" "$(cat "$name")"
  done
  echo "new certificates for $DAYS days; send every replica SIGHUP (systemctl reload fatty@...)"
  exit
fi

[ $# -ge 5 ] || { echo "usage: found.sh DIR NAME[:PEERPORT[:CLIENTPORT]]... (four or more), or found.sh --renew DIR" >&2; exit 2; }
dir=$1
shift
[ ! -e "$dir" ] || { echo "found.sh: $dir is there already" >&2; exit 1; }
authority
i=0
members=
for place in "$@"; do
  $FATTY keygen --dir "$dir/r$i" -o json >"$dir/keygen.json"
  key=$(sed -n 's/.*"key":"\([0-9a-f]*\)".*/\1/p' "$dir/keygen.json")
  certificate "$dir/r$i" "${place%%:*}"
  members="$members --member $key=$place"
  i=$((i + 1))
done
rm "$dir/keygen.json"
# shellcheck disable=SC2086 # one word each
$FATTY init --tls --dir "$dir" $members
