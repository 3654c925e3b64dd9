# shellcheck shell=bash
# The node's network: a namespace of its own, joined to the host by a veth pair,
# so that no rule of kube-proxy or CNI touches the host and all of them go with
# the namespace. On the host there are one link, three routes and one nftables
# table, which gives pods a way out to the package mirrors.

NFT_TABLE=imagebuild_cluster

make_network() {
  local mtu
  check_range_free "$HOST_IP/30" IMAGEBUILD_HOST_IP
  check_range_free "$POD_CIDR" IMAGEBUILD_POD_CIDR
  check_range_free "$SVC_CIDR" IMAGEBUILD_SVC_CIDR
  mtu=$(outer_mtu)
  # ip(8) mounts /run/netns at first use; `down` takes that back.
  [ -e /run/netns ] || touch "$RUN/netns-made"
  ip netns add "$CLUSTER"
  ip link add "$LINK" mtu "$mtu" type veth peer name eth0 mtu "$mtu" netns "$CLUSTER"
  ip addr add "$HOST_IP/30" dev "$LINK"
  ip link set "$LINK" up
  ip -n "$CLUSTER" link set lo up
  ip -n "$CLUSTER" addr add "$NODE_IP/30" dev eth0
  ip -n "$CLUSTER" link set eth0 up
  ip -n "$CLUSTER" route add default via "$HOST_IP"
  ip route add "$POD_CIDR" via "$NODE_IP"
  ip route add "$SVC_CIDR" via "$NODE_IP"
  nsenter --net="$NETNS" sysctl -qw net.ipv4.ip_forward=1
  nsenter --net="$NETNS" sysctl -qw net.bridge.bridge-nf-call-iptables=1 2>/dev/null || true
  make_way_out
}

# CNI has already given pod traffic the node's address when it gets here.
make_way_out() {
  sysctl -qw net.ipv4.ip_forward=1
  nft -f - <<-N || die "nft refused the masquerade rule: pods would have no way out"
	table ip $NFT_TABLE {
	  chain postrouting {
	    type nat hook postrouting priority srcnat;
	    ip saddr $NODE_IP oifname != "$LINK" masquerade
	  }
	}
	N
  # A host that drops what it forwards (Docker sets that) needs two exceptions.
  if iptables -S FORWARD 2>/dev/null | grep -qx -- '-P FORWARD DROP'; then
    iptables -w -I FORWARD -i "$LINK" -j ACCEPT
    iptables -w -I FORWARD -o "$LINK" -j ACCEPT
  fi
}

remove_network() {
  nft delete table ip $NFT_TABLE 2>/dev/null
  while iptables -w -D FORWARD -i "$LINK" -j ACCEPT 2>/dev/null; do :; done
  while iptables -w -D FORWARD -o "$LINK" -j ACCEPT 2>/dev/null; do :; done
  ip link del "$LINK" 2>/dev/null
  [ ! -e "$NETNS" ] || ip netns del "$CLUSTER"
  if [ -e "$RUN/netns-made" ] && [ -z "$(ls -A /run/netns 2>/dev/null)" ]; then
    umount /run/netns 2>/dev/null
    rmdir /run/netns
  fi
}

# check_range_free CIDR VARIABLE: no route of the host's leads into it.
check_range_free() {
  [ -z "$(ip -4 route show to root "$(network_of "$1")")" ] ||
    die "the host has a route inside $1 (ip route show); choose another range with $2"
}

# network_of A.B.C.D/30: its network address, which ip(8) insists on.
network_of() {
  local address=${1%/*} bits=${1#*/}
  [ "$bits" = 30 ] || { printf '%s\n' "$1"; return; }
  printf '%s.%d/30\n' "${address%.*}" $((${address##*.} & ~3))
}

# The MTU of the way out; larger packets would vanish on some cloud networks.
outer_mtu() {
  local device
  device=$(ip -4 route show default | sed -n 's/.* dev \([^ ]*\).*/\1/p' | head -n1)
  awk '{ print ($1 > 1500) ? 1500 : $1 }' "/sys/class/net/${device:-lo}/mtu"
}

# --- names ---------------------------------------------------------------------

# nameservers FILE: the IPv4 ones a pod can reach; loopback is another machine there.
nameservers() {
  awk '$1 == "nameserver" && $2 ~ /^[0-9.]+$/ && $2 !~ /^127\./ { print $2 }' "$1" 2>/dev/null | head -n3
}

# host_resolv_conf: the file that names the host's real nameservers; fails when
# there is only one on the loopback address.
host_resolv_conf() {
  local file
  for file in /etc/resolv.conf /run/systemd/resolve/resolv.conf /run/NetworkManager/no-stub-resolv.conf; do
    [ -z "$(nameservers "$file")" ] || { printf '%s\n' "$file"; return; }
  done
  return 1
}

# The resolv.conf of pods. There is no cluster DNS: nothing here needs it.
write_resolv_conf() {
  local file
  if file=$(host_resolv_conf); then
    grep -E '^(search|domain|options)[[:space:]]' "$file" || true
    nameservers "$file" | sed 's/^/nameserver /'
  else
    printf 'nameserver %s\n' "$HOST_IP"
  fi >"$CONF/resolv.conf"
}

# With nothing but a loopback nameserver on the host, pods ask the host.
start_dns_forward() {
  local server
  ! host_resolv_conf >/dev/null || return 0
  server=$(awk '$1 == "nameserver" { print $2; exit }' /etc/resolv.conf)
  start_on_host forward-dns-udp socat -T5 "UDP4-RECVFROM:53,bind=$HOST_IP,fork" "UDP4-SENDTO:${server:-127.0.0.1}:53"
  start_on_host forward-dns-tcp socat "TCP4-LISTEN:53,bind=$HOST_IP,fork,reuseaddr" "TCP4:${server:-127.0.0.1}:53"
}
