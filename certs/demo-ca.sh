#!/usr/bin/env bash
# Makes an authority as an operator's own PKI would have one, for demonstrations and tests: a root, an
# intermediate, a certificate for the aggregator and one per agent. Keys have mode 0600 and are ignored by git.
#   certs/demo-ca.sh FOLDER FACILITY...          e.g. certs/demo-ca.sh out/certs north south
#   certs/demo-ca.sh FOLDER --revoke FACILITY    puts its agent on the list of the revoked
set -euo pipefail
umask 077
folder=${1:?usage: demo-ca.sh FOLDER FACILITY...}
shift
[ $# -gt 0 ] || { echo "demo-ca.sh: name at least one facility" >&2; exit 2; }
mkdir -p "$folder"
cd "$folder"

# list: the certificates that the intermediate has revoked, as revoked.pem
list() {
    openssl ca -config revoked.conf -gencrl -out revoked.new 2>/dev/null
    mv revoked.new revoked.pem
}

if [ "$1" = --revoke ]; then
    openssl ca -config revoked.conf -revoke "agent-${2:?which facility?}.pem" 2>/dev/null
    list
    echo "the agent of $2 is revoked"
    exit
fi
[ ! -e root.key ] || { echo "demo-ca.sh: $folder has an authority already" >&2; exit 1; }

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }

# sign NAME ISSUER DAYS EXTENSIONS: a certificate for NAME.key
sign() {
    openssl req -new -key "$1.key" -subj "/CN=$5" |
        openssl x509 -req -CA "$2.pem" -CAkey "$2.key" -days "$3" -out "$1.pem" \
            -extfile <(printf 'subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n%b\n' "$4") 2>/dev/null
}

key root
openssl req -x509 -new -key root.key -subj "/CN=Demonstration root" -days 3650 -out root.pem \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
key intermediate
sign intermediate root 365 'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign' \
    "Demonstration intermediate"
leaf='basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature'
key aggregator
sign aggregator intermediate 30 \
    "$leaf"'\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:aggregator.fieldward.internal,DNS:localhost,IP:127.0.0.1' \
    "aggregator.fieldward.internal"
cat aggregator.pem intermediate.pem >aggregator-chain.pem
for facility in "$@"; do
    case $facility in
        *[!a-z0-9_-]* | '') echo "demo-ca.sh: \"$facility\" is no facility (a-z, 0-9, - and _)" >&2; exit 2 ;;
    esac
    key "agent-$facility"
    sign "agent-$facility" intermediate 7 \
        "$leaf"'\nextendedKeyUsage=clientAuth\nsubjectAltName=URI:urn:demonstration:plant:'"$facility"':agent:1' \
        "agent of $facility"
    cat "agent-$facility.pem" intermediate.pem >"agent-$facility-chain.pem"
done
cat >revoked.conf <<'CONF'
[ca]
default_ca = intermediate
[intermediate]
database = revoked.txt
crlnumber = revoked.number
certificate = intermediate.pem
private_key = intermediate.key
default_md = sha256
default_crl_days = 30
CONF
: >revoked.txt
echo 01 >revoked.number
list
echo "made in $folder; the rule is uri:urn:demonstration:plant:{facility}:agent:{agent}"
