# shellcheck shell=bash
# The cluster's certificates and kubeconfigs, made once per $STATE with openssl.

make_pki() {
  local user
  mkdir -p "$PKI"
  chmod 700 "$PKI"
  authority ca
  authority front-proxy-ca
  certificate apiserver /CN=kube-apiserver serverAuth \
    "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:localhost,IP:127.0.0.1,IP:$NODE_IP,IP:$API_SVC_IP"
  certificate kubelet-server "/CN=$CLUSTER" serverAuth "DNS:$CLUSTER,IP:$NODE_IP"
  certificate apiserver-kubelet /O=system:masters/CN=apiserver-kubelet clientAuth
  certificate front-proxy /CN=front-proxy clientAuth '' front-proxy-ca
  certificate admin /O=system:masters/CN=admin clientAuth
  certificate controller-manager /CN=system:kube-controller-manager clientAuth
  certificate scheduler /CN=system:kube-scheduler clientAuth
  certificate kubelet "/O=system:nodes/CN=system:node:$CLUSTER" clientAuth
  certificate proxy /CN=system:kube-proxy clientAuth
  key_pair service-account
  for user in controller-manager scheduler kubelet proxy; do
    write_kubeconfig $user "$CONF/$user.kubeconfig"
  done
  write_kubeconfig admin "$CLUSTER_KUBECONFIG"
}

# The certificate is written last, so a file that is there is whole.
authority() {
  [ ! -s "$PKI/$1.crt" ] || return 0
  new_key "$1"
  openssl req -x509 -new -key "$PKI/$1.key" -subj "/CN=$CLUSTER-$1" -days 3650 -out "$PKI/$1.crt" \
    -addext keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign
}

# certificate NAME SUBJECT USAGE [SUBJECT_ALT_NAME [AUTHORITY]]
certificate() {
  local name=$1 subject=$2 usage=$3 names=${4:-} issuer=${5:-ca}
  [ ! -s "$PKI/$name.crt" ] || return 0
  new_key "$name"
  openssl req -new -key "$PKI/$name.key" -subj "$subject" |
    openssl x509 -req -CA "$PKI/$issuer.crt" -CAkey "$PKI/$issuer.key" -set_serial "0x$(openssl rand -hex 8)" -days 3650 \
      -extfile <(
        printf 'keyUsage=critical,digitalSignature,keyEncipherment\nextendedKeyUsage=%s\n' "$usage"
        [ -z "$names" ] || printf 'subjectAltName=%s\n' "$names"
      ) -out "$PKI/$name.crt" 2>>"$LOG/openssl.log"
}

new_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$PKI/$1.key"; }

# Signs service account tokens.
key_pair() {
  [ ! -s "$PKI/$1.pub" ] || return 0
  openssl genrsa -out "$PKI/$1.key" 2048 2>>"$LOG/openssl.log"
  openssl rsa -in "$PKI/$1.key" -pubout -out "$PKI/$1.pub" 2>>"$LOG/openssl.log"
}

# write_kubeconfig USER FILE
write_kubeconfig() {
  (
    umask 077
    cat >"$2" <<-K
	apiVersion: v1
	kind: Config
	clusters:
	- name: $CLUSTER
	  cluster:
	    server: https://$NODE_IP:6443
	    certificate-authority-data: $(base64 -w0 "$PKI/ca.crt")
	users:
	- name: $1
	  user:
	    client-certificate-data: $(base64 -w0 "$PKI/$1.crt")
	    client-key-data: $(base64 -w0 "$PKI/$1.key")
	contexts:
	- name: $CLUSTER
	  context: {cluster: $CLUSTER, user: $1}
	current-context: $CLUSTER
	K
  )
}
