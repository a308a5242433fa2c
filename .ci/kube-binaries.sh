#!/usr/bin/env bash
# Makes the real Kubernetes programs available for the tests and prints the
# directory that holds etcd, kube-apiserver, kube-controller-manager, kubectl.
# Only that directory goes to stdout; progress goes to stderr.
#
# Debian packages etcd and kubectl but not the server programs, so those two
# are built from Debian's own source package, with Debian's own Go. Packages
# are unpacked, never installed: no service starts, nothing on the machine
# changes, and root is not needed.
#
# exit 3: this machine cannot provide the programs
set -euo pipefail

version=1.20.2 # what Debian bookworm ships
programs=(etcd kube-apiserver kube-controller-manager kubectl)

exec 3>&1 1>&2
say() { echo "kube-binaries: $*"; }
complete() {
  local p
  for p in "${programs[@]}"; do [ -x "$1/$p" ] || return 1; done
}
found() {
  echo "$1" >&3
  exit 0
}

assets=${KUBEBUILDER_ASSETS:-}
if [ -x "$assets/etcd" ] && [ -x "$assets/kube-apiserver" ]; then found "$assets"; fi

base=${XDG_CACHE_HOME:-$HOME/.cache}/kubectl-harden
out=$base/kube-$version
if complete "$out"; then found "$out"; fi

codename=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-}") || true
if [ "$codename" != bookworm ] || ! type apt-get dpkg-deb flock >/dev/null 2>&1; then
  say "Kubernetes $version is taken from Debian 12 (bookworm), and this machine is not one."
  say "Set KUBEBUILDER_ASSETS to a directory that holds: ${programs[*]}."
  exit 3
fi

mkdir -p "$base"
exec 9>"$base/.lock"
flock -n 9 || { say "waiting for another run" && flock 9; }
if complete "$out"; then found "$out"; fi

# Next to the result, so that the final rename stays on one file system. The
# lock is ours: whatever is left here is from a run that was killed.
rm -rf "$base"/.build.*
tmp=$(mktemp -d "$base/.build.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

# A private apt: source packages are usually not enabled on the system, and its
# configuration is not ours to change. The mirrors are the system's: apt itself
# is asked which ones it reads the release from, as there are two file formats.
say "reading Debian's package lists"
mkdir -p apt/state/lists/partial apt/cache/archives/partial bin deb root
touch apt/status
apt=(apt-get -q # -qq would also silence --print-uris
  -o Dir::State="$tmp/apt/state" -o Dir::State::status="$tmp/apt/status"
  -o Dir::Cache="$tmp/apt/cache" -o Dir::Etc::sourceparts=/dev/null
  -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null
  -o Acquire::Languages=none -o Acquire::Retries=3
  -o APT::Sandbox::User= # _apt may not read a home directory
)
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
for file in /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources; do
  [ -e "$file" ] || continue
  "${apt[@]}" -o Dir::Etc::sourcelist="$file" update --print-uris |
    sed -n "s|^'\(.*\)/dists/$codename/InRelease'.*|\1|p"
done | sort -u | while read -r uri; do
  echo "deb [signed-by=$keyring] $uri $codename main"
  echo "deb-src [signed-by=$keyring] $uri $codename main"
done >apt/sources.list
if [ ! -s apt/sources.list ]; then
  say "no Debian $codename mirror in /etc/apt/sources.list or sources.list.d/debian.sources."
  say "Set KUBEBUILDER_ASSETS to a directory that holds: ${programs[*]}."
  exit 3
fi
apt+=(-o Dir::Etc::sourcelist="$tmp/apt/sources.list")
"${apt[@]}" update

say "downloading"
(
  cd deb
  "${apt[@]}" download etcd-server kubernetes-client golang-1.19-go golang-1.19-src
  "${apt[@]}" source --download-only kubernetes
)
for deb in deb/*.deb; do dpkg-deb -x "$deb" root; done
mv root/usr/bin/etcd root/usr/bin/kubectl bin/

# Unpacked by hand, as dpkg-source may be missing. Debian's patches are left
# out: they all change kubectl, which comes ready-made.
export GOPATH=$tmp/go
tree=$GOPATH/src/k8s.io/kubernetes
mkdir -p "$tree"
tar -xzf deb/kubernetes_*"$version".orig.tar.gz --strip-components=1 -C "$tree"
rm -rf deb apt

# The vendored tree builds in GOPATH mode, and only with the Go of its time;
# settings of another Go on the machine must not leak in.
export GOROOT=$tmp/root/usr/lib/go-1.19 GOCACHE=$tmp/gocache GOTMPDIR=$tmp
export GO111MODULE=off CGO_ENABLED=0 GOENV=off GOFLAGS=
unset GOOS GOARCH GOBIN
go=$GOROOT/bin/go
cd "$tree"

# The OpenAPI definitions are the one generated file the source lacks. `make
# gen_openapi` writes it too, but wants make, rsync, a C compiler and minutes.
say "generating the OpenAPI definitions"
"$go" build -o "$tmp/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
packages=$(grep -rl --include='*.go' '^// +k8s:openapi-gen=' cmd pkg plugin staging/src |
  grep -vE '/(code-generator|sample-apiserver)/' |
  sed 's|^staging/src/|vendor/|; s|/[^/]*$||; s|^|k8s.io/kubernetes/|' | LC_ALL=C sort -u)
PATH=$GOROOT/bin:$PATH "$tmp/openapi-gen" -i "${packages//$'\n'/,}" \
  -p k8s.io/kubernetes/pkg/generated/openapi -O zz_generated.openapi \
  -h vendor/k8s.io/code-generator/hack/boilerplate.go.txt -r "$tmp/violations"
# Upstream keeps the list of rule violations: the same list, the same packages.
cmp "$tmp/violations" api/api-rules/violation_exceptions.list

say "building kube-apiserver and kube-controller-manager (a few minutes)"
ldflags='-s -w'
for package in component-base/version client-go/pkg/version; do
  variable=k8s.io/kubernetes/vendor/k8s.io/$package
  ldflags+=" -X $variable.gitVersion=v$version"
  ldflags+=" -X $variable.gitMajor=1 -X $variable.gitMinor=20"
done
# providerless leaves out the cloud providers' libraries, which no test uses.
"$go" build -tags providerless -trimpath -ldflags "$ldflags" -o "$tmp/bin/" \
  ./cmd/kube-apiserver ./cmd/kube-controller-manager

for p in kube-apiserver kube-controller-manager; do
  [ "$("$tmp/bin/$p" --version)" = "Kubernetes v$version" ]
done
complete "$tmp/bin"
rm -rf "$out"
mv "$tmp/bin" "$out"
say "ready"
found "$out"
