/** The script but for the values of a round, which stand in place of `@VALUES@`. `@{` is a shell's `${`. */
export const SCRIPT_BODY = String.raw`#!/bin/sh
# One round of a change of encryption, on this control-plane node (kubeadm). Run it as root, on one node after the other.
# It stops where anything is not as it was planned for, touches nothing before all is prepared, and goes back where the
# API server does not come back: to a configuration that reads every key. Interrupted, it goes on when it is run again.
#
# From the environment: MANIFEST, KUBECTL, KUBECONFIG, SERVER (of this node, not a load balancer), WAIT (seconds for the
# API server to come back), SETTLE (seconds that it has to stay well), POLL.
set -eu
umask 077
LC_ALL=C
export LC_ALL

@VALUES@
export MAY_GO MOUNTS

FLAG=--encryption-provider-config
STAMP=kubectl-harden/encryption-config-sha256
MANIFEST="@{MANIFEST:-/etc/kubernetes/manifests/kube-apiserver.yaml}"
KUBECTL="@{KUBECTL:-kubectl}"
KUBECONFIG="@{KUBECONFIG:-/etc/kubernetes/admin.conf}"
export KUBECONFIG
WAIT="@{WAIT:-300}"
WAIT_GIVEN="$WAIT"
SETTLE="@{SETTLE:-15}"
SETTLE_GIVEN="$SETTLE"
POLL="@{POLL:-2}"
cd "$(dirname "$0")"
# Beside the manifests directory, never in it: the kubelet starts every file there as a pod.
WORK="$(dirname "$(dirname "$MANIFEST")")/kubectl-harden-script"

say() { echo "node.sh: $*"; }
stop() {
  echo "node.sh: $*" >&2
  exit 1
}
refuse() { stop "$* Nothing was changed."; }

# --- reading ---------------------------------------------------------------------------------------------------------

flags() { awk -v flag="$FLAG" '{ sub(/^ *- */, ""); gsub(/["'\'']/, ""); if (index($0, flag "=") == 1) { sub(/ +#.*/, ""); print substr($0, length(flag) + 2) } }' "$1"; }

flag_value() {
  awk -v flag="$1" '{ sub(/^ *- */, ""); gsub(/["'\'']/, ""); if (index($0, flag "=") == 1) { sub(/ +#.*/, ""); value = substr($0, length(flag) + 2) } } END { print value }' "$MANIFEST"
}

# A configuration in one line, without values of keys. What is not in block style comes out as something else.
outline() {
  awk '
    { sub(/[ \t]+#.*$/, ""); sub(/^#.*$/, ""); sub(/[ \t\r]+$/, "") }
    /^$/ { next }
    { line = $0; sub(/^[ -]*/, "", line); gsub(/["'\'']/, "", line) }
    line ~ /^resources:$/ && $0 ~ /^resources:/ { next }
    line ~ /^resources:$/ { if (out != "") out = out " / "; mode = "resources"; first = 1; next }
    line ~ /^providers:$/ { out = out " |"; mode = "providers"; next }
    line ~ /^(identity|secretbox|aescbc|aesgcm|kms):/ { kind = line; sub(/:.*/, "", kind); out = out " " kind; next }
    line ~ /^name: / { sub(/^name: */, "", line); out = out " " line; next }
    mode == "resources" && $0 ~ /^ *- / { sub(/\.$/, "", line); out = out (first ? "" : " ") line; first = 0; next }
    line ~ /^(keys:|secret: |apiVersion: |kind: |endpoint: |timeout: |cachesize: )/ { next }
    { out = out " ?" }
    END { print out }
  ' "$1"
}

# Keys of the first file, by resource and name, that the second lacks, or has with another value. Values stay within awk.
# What may go may be missing; with another value it is lost as well.
lost() {
  awk '
    BEGIN { n = split(ENVIRON["MAY_GO"], list, "\n"); for (i = 1; i <= n; i++) allowed[list[i]] = 1 }
    FNR == 1 { file++; mode = ""; kind = ""; name = ""; secret_first = ""; split("", names); count = 0 }
    { sub(/[ \t]+#.*$/, ""); sub(/[ \t\r]+$/, ""); line = $0; sub(/^[ -]*/, "", line); gsub(/["'\'']/, "", line) }
    line ~ /^resources:$/ && $0 ~ /^resources:/ { next }
    line ~ /^resources:$/ { mode = "resources"; count = 0; next }
    line ~ /^providers:$/ { if ($0 ~ /^ *- /) count = 0; mode = "providers"; next }
    mode == "resources" && $0 ~ /^ *- / { sub(/\.$/, "", line); names[++count] = line; next }
    line ~ /^(identity|secretbox|aescbc|aesgcm|kms):/ { kind = line; sub(/:.*/, "", kind); version = (kind == "kms") ? "v1" : ""; next }
    kind == "kms" && line ~ /^apiVersion: / { sub(/^apiVersion: */, "", line); version = line; next }
    line ~ /^name: / { sub(/^name: */, "", line); name = line; if (kind != "kms") { have = secret_first; secret_first = ""; if (have != "") keep(have) } else keep("-"); next }
    line ~ /^secret: / { sub(/^secret: */, "", line); if (name != "") keep(line); else secret_first = line; next }
    function keep(value, i, key) {
      if (kind == "kms") key = "k8s:enc:kms:" version ":" name ":"; else key = "k8s:enc:" kind ":v1:" name ":"
      for (i = 1; i <= (count ? count : 1); i++) put(count ? names[i] : "?", key, value)
      if (value != "") name = ""
    }
    function put(resource, key, value) {
      if (file == 1) old[resource, key, value] = resource SUBSEP key
      else { fresh[resource, key, value] = 1; known[resource, key] = 1 }
    }
    END {
      for (one in old) {
        split(old[one], part, SUBSEP)
        if (!(one in fresh) && (!(part[2] in allowed) || (old[one] in known))) print part[2] " of " part[1]
      }
    }
  ' "$1" "$2"
}

sum() { sha256sum "$1" | cut -d ' ' -f 1; }

# --- the API server of this node ---------------------------------------------------------------------------------------

kube() { "$KUBECTL" --server "$SERVER" --request-timeout 10s "$@" 2>/dev/null; }

began() { kube get --raw /metrics | awk '$1 == "process_start_time_seconds" { printf "%d\n", $2 }'; }

# It is the process that was started since, and ready.
well() {
  kube get --raw /readyz >/dev/null || { WHY='it is not ready'; return 1; }
  START="$(began || true)"
  [ -n "$START" ] || { WHY='when its process began cannot be seen'; return 1; }
  [ "$START" -ge "$(($1 - 2))" ] || { WHY='it is still the process from before'; return 1; }
}

# Lists by name: every value of what the configurations name is read by the server, and none is asked for. What a wildcard
# stands for is not listed, nor what is not served any more.
reads_all() {
  kube get secrets --all-namespaces >/dev/null || { WHY='it cannot read every stored Secret'; return 1; }
  [ "$RESOURCES" != secrets ] || return 0
  SERVED="$(kube api-resources --verbs=list --no-headers -o name || true)"
  for ONE in $RESOURCES; do
    echo "$SERVED" | grep -qxF "$ONE" || continue
    kube get "$ONE" --all-namespaces >/dev/null || { WHY="it cannot read every stored object of $ONE"; return 1; }
  done
}

wait_well() {
  WHY='it does not answer'
  END=$(($(date +%s) + WAIT))
  SINCE=
  PROCESS=
  while :; do
    if well "$1"; then
      if [ -z "$SINCE" ] || [ "$PROCESS" != "$START" ]; then
        SINCE="$(date +%s)"
        PROCESS="$START"
      fi
      if [ "$(($(date +%s) - SINCE))" -ge "$SETTLE" ]; then
        if reads_all; then return 0; fi
        SINCE=
      fi
    else
      SINCE=
    fi
    [ "$(date +%s)" -lt "$END" ] || return 1
    sleep "$POLL"
  done
}

# --- the manifest ------------------------------------------------------------------------------------------------------

# Prints the manifest with the flag, mounts and stamp ($1: the stamp), each only where missing. Fails where the text is not
# written as kubeadm writes it.
with_flag() {
  awk -v flag="$FLAG" -v file="$FILE" -v stamp="$STAMP" -v sum="$1" -v has="$HAS_FLAG" '
    function spaces(text) { match(text, /^ */); return RLENGTH }
    function pad(n, out) { out = ""; while (n-- > 0) out = out " "; return out }
    { text[NR] = $0 }
    END {
      n = split(ENVIRON["MOUNTS"], list, "\n")
      directory = file
      sub(/\/[^\/]*$/, "", directory)
      if (has == "no") wanted[++count] = directory " ro"
      for (i = 1; i <= n; i++) if (list[i] != "" && list[i] != directory " ro") wanted[++count] = list[i]
      for (i = 1; i <= NR; i++) {
        if (text[i] ~ /^ *- kube-apiserver *$/) { program = i; programs++ }
        if (text[i] ~ /^ *volumeMounts: *$/) { mount = i; mountLists++ }
        if (text[i] ~ /^ *volumes: *$/) { volume = i; volumeLists++ }
        if (text[i] ~ /^metadata: *$/) { metadata = i; metadatas++ }
        if (text[i] ~ /^ +annotations: *$/) { annotation = i; annotations++ }
        if (index(text[i], stamp ":")) { stamped = i; stamps++ }
        if (text[i] ~ /^ *- name: encryption-config/ || text[i] ~ /^ *name: encryption-config/) taken = 1
      }
      if (metadatas != 1 || annotations > 1 || stamps > 1) exit 3
      if (has == "no" && programs != 1) exit 3
      if (count > 0 && (mountLists != 1 || volumeLists != 1 || text[mount + 1] !~ /^ *- / || text[volume + 1] !~ /^ *- /)) exit 3
      if (count > 0 && taken) exit 3
      if (!stamps && annotations && text[annotation + 1] !~ /^ +[^ #-]/) exit 3
      for (i = 1; i <= NR; i++) {
        if (i == stamped) { print pad(spaces(text[i])) stamp ": \"" sum "\""; continue }
        print text[i]
        if (!stamps && annotations && i == annotation) print pad(spaces(text[i + 1])) stamp ": \"" sum "\""
        if (!stamps && !annotations && i == metadata) { in_ = pad(spaces(text[i + 1])); print in_ "annotations:"; print in_ "  " stamp ": \"" sum "\"" }
        if (has == "no" && i == program) print pad(spaces(text[i])) "- " flag "=" file
        if (count > 0 && i == mount) for (j = 1; j <= count; j++) {
          in_ = pad(spaces(text[i + 1])); split(wanted[j], part, " ")
          print in_ "- mountPath: " part[1]; print in_ "  name: encryption-config" (j == 1 ? "" : "-" j)
          if (part[2] == "ro") print in_ "  readOnly: true"
        }
        if (count > 0 && i == volume) for (j = 1; j <= count; j++) {
          in_ = pad(spaces(text[i + 1])); split(wanted[j], part, " ")
          print in_ "- hostPath:"; print in_ "    path: " part[1]; print in_ "    type: Directory"; print in_ "  name: encryption-config" (j == 1 ? "" : "-" j)
        }
      }
    }
  ' "$MANIFEST"
}

# A mount that nothing uses any more does no harm, and stays.
without_flag() { awk -v flag="$FLAG" -v stamp="$STAMP" '{ line = $0; sub(/^ *- */, "", line); gsub(/["'\'']/, "", line) } index(line, flag "=") == 1 || index(line, stamp ":") { next } { print }' "$MANIFEST"; }

# --- putting in place --------------------------------------------------------------------------------------------------

phase() {
  echo "$1 $2" >"$WORK/phase.new"
  mv "$WORK/phase.new" "$WORK/phase"
}

# One rename each, which needs no room. What was put in place before the last interruption is there no more.
put() {
  if [ -e "$WORK/$1.configuration" ]; then mv "$WORK/$1.configuration" "$FILE"; fi
  if [ -e "$WORK/$1.manifest" ]; then mv "$WORK/$1.manifest" "$MANIFEST"; fi
  sync
}

finish() {
  rm -f "$WORK/phase"
  rm -rf "$WORK"
}

go_on() {
  read -r STATE AT <"$WORK/phase"
  while :; do
    put "$STATE"
    if wait_well "$AT"; then
      finish
      [ "$STATE" = wanted ] && say 'done: the API server of this node runs with the new configuration and reads every Secret.' && exit 0
      stop "the API server did not come back with the new configuration. It runs again with $([ "$BACK" = manifest ] && echo 'its manifest as it was' || echo 'one that reads every key')."
    fi
    say "the API server does not come back ($STATE): $WHY." >&2
    [ "$STATE" = wanted ] || stop "it does not come back with what it had before either. Its files are safe for what is stored. Look at its log (crictl logs), then run this again."
    STATE=fallback
    AT="$(date +%s)"
    phase "$STATE" "$AT" || say 'the disk is full; going back all the same.' >&2
  done
}

# --- the way -----------------------------------------------------------------------------------------------------------

[ -f "$MANIFEST" ] && [ ! -L "$MANIFEST" ] || refuse "$MANIFEST is no file: is this a control-plane node of kubeadm?"
[ ! -e "$(dirname "$WORK")/kubectl-harden/change.json" ] || refuse 'a change by kubectl harden itself is unfinished on this node: let it go on first.'
HOST="$(flag_value --advertise-address)"
case "$HOST" in *:*) HOST="[$HOST]" ;; esac
PORT="$(flag_value --secure-port)"
SERVER="@{SERVER:-https://@{HOST:-127.0.0.1}:@{PORT:-6443}}"

mkdir -p "$WORK" || refuse "$WORK cannot be made."
if [ -e "$WORK/pid" ] && [ "$(cat "$WORK/pid")" != "$$" ] && grep -q node.sh "/proc/$(cat "$WORK/pid")/cmdline" 2>/dev/null; then
  refuse "process $(cat "$WORK/pid") does this already."
fi
echo "$$" >"$WORK/pid" || refuse 'the disk is full.'

if [ -e "$WORK/phase" ]; then
  say 'going on where it was interrupted.'
  go_on
fi
rm -f "$WORK"/*.manifest "$WORK"/*.configuration "$WORK"/phase.new

leave() {
  rm -rf "$WORK"
  refuse "$*"
}

NUMBER="$(flags "$MANIFEST" | wc -l)"
[ "$NUMBER" -le 1 ] || leave "$MANIFEST gives $FLAG more than once."
HAS_FLAG=no
NOW=-
if [ "$NUMBER" -eq 1 ]; then
  HAS_FLAG=yes
  [ "$(flags "$MANIFEST")" = "$FILE" ] || leave "another encryption configuration is in place: $(flags "$MANIFEST")."
  [ -f "$FILE" ] && [ ! -L "$FILE" ] || leave "the API server is started with $FILE, which is no file."
  NOW="$(outline "$FILE")"
fi
if grep -qE "^ *- *[\"']?$FLAG[\"']? *(#.*)?\$" "$MANIFEST" || grep -qE "^ *(- )?(command|args): *[^ #]" "$MANIFEST"; then
  leave "$MANIFEST gives its flags in a form that is not known here: make the change by hand, as INSTRUCTIONS.md says."
fi
if [ "$NOW" = "$AFTER" ] && { [ "$AFTER" = - ] || [ "$(sum "$FILE")" = "$(awk -v stamp="$STAMP:" 'index($0, stamp) { gsub(/["'\'' ]/, ""); sub(/^.*sha256:/, ""); sub(/#.*/, ""); print }' "$MANIFEST")" ]; }; then
  WAIT=1 SETTLE=0
  if wait_well 0; then
    finish
    say 'done already: the API server of this node runs with this configuration.'
    exit 0
  fi
fi
KNOWN=no
while IFS= read -r LINE; do
  [ "$NOW" != "$LINE" ] || KNOWN=yes
done <<LIST
$BEFORE
$AFTER
LIST
[ "$KNOWN" = yes ] || leave "the configuration on this node is another one than was planned for ($NOW; planned for: $(echo "$BEFORE" | tr '\n' ';'))."
# Such a file may be left of a try that was taken back: then it is the one of this round, with the same keys.
if [ "$HAS_FLAG" = no ] && [ "$AFTER" != - ] && [ -e "$FILE" ] &&
  { [ ! -f encryption-config.yaml ] || [ -n "$(lost "$FILE" encryption-config.yaml)" ]; }; then
  leave "$FILE exists, but the API server is started without it; it may hold the only copy of a key: keep it under another name first."
fi

if [ "$AFTER" != - ]; then
  [ -f encryption-config.yaml ] || leave 'encryption-config.yaml is not beside this script.'
  ! grep -q '<as in the file on the node>\|<generated by the writer>' encryption-config.yaml || leave 'put the keys of this node into encryption-config.yaml first, where it says so.'
  [ "$(outline encryption-config.yaml)" = "$AFTER" ] || leave 'encryption-config.yaml is not the one of this round.'
  if [ "$HAS_FLAG" = yes ]; then
    GONE="$(lost "$FILE" encryption-config.yaml)"
    [ -z "$GONE" ] || leave "encryption-config.yaml lacks a key of this node, or has it with another value: $GONE."
  fi
fi
if [ "$BACK" = file ]; then
  [ -f encryption-config.fallback.yaml ] || leave 'encryption-config.fallback.yaml is not beside this script.'
  [ -z "$(lost encryption-config.yaml encryption-config.fallback.yaml)" ] || leave 'encryption-config.fallback.yaml does not have the keys of encryption-config.yaml.'
fi
for SOCKET in $SOCKETS; do
  [ -S "$SOCKET" ] || leave "there is no KMS plugin at $SOCKET."
done
WAIT=1 SETTLE=0
wait_well 0 || leave "the API server of this node ($SERVER) is not as it should be before a change: $WHY."
WAIT="$WAIT_GIVEN" SETTLE="$SETTLE_GIVEN"

prepare() {
  DIRECTORY="$(dirname "$FILE")"
  [ -d "$DIRECTORY" ] || mkdir -p -m 0700 "$DIRECTORY" || return 1
  for ONE in "$WORK" "$DIRECTORY"; do
    [ "$(stat -c %d "$ONE")" = "$(stat -c %d "$(dirname "$MANIFEST")")" ] || { REASON="$ONE is on another file system than the manifests"; return 1; }
  done
  if [ "$AFTER" = - ]; then
    without_flag >"$WORK/wanted.manifest" || return 1
    [ "$(flags "$WORK/wanted.manifest" | wc -l)" -eq 0 ] || return 1
  else
    cp encryption-config.yaml "$WORK/wanted.configuration" || return 1
    with_flag "$(sum encryption-config.yaml)" >"$WORK/wanted.manifest" || { REASON="$MANIFEST is not written as kubeadm writes it: make the change by hand, as INSTRUCTIONS.md says"; return 1; }
    [ "$(flags "$WORK/wanted.manifest")" = "$FILE" ] || return 1
  fi
  case "$BACK" in
    manifest)
      cp -p "$MANIFEST" "$WORK/fallback.manifest" || return 1
      if [ "$HAS_FLAG" = yes ] && [ "$AFTER" != - ]; then cp -p "$FILE" "$WORK/fallback.configuration" || return 1; fi
      ;;
    before) cp -p "$FILE" "$WORK/fallback.configuration" && with_flag "$(sum "$FILE")" >"$WORK/fallback.manifest" || return 1 ;;
    file) cp encryption-config.fallback.yaml "$WORK/fallback.configuration" && with_flag "$(sum encryption-config.fallback.yaml)" >"$WORK/fallback.manifest" || return 1 ;;
  esac
  for ONE in "$WORK"/*.manifest; do
    chmod "$(stat -c %a "$MANIFEST")" "$ONE" && chown "$(stat -c %u:%g "$MANIFEST")" "$ONE" || return 1
  done
  for ONE in "$WORK"/*.configuration; do
    [ -e "$ONE" ] || continue
    chmod 0600 "$ONE" && chown "$(if [ -e "$FILE" ]; then stat -c %u:%g "$FILE"; else stat -c %u:%g "$DIRECTORY"; fi)" "$ONE" || return 1
  done
  sync
  phase wanted "$(date +%s)"
}
REASON='the files cannot be prepared (is the disk full?)'
prepare || leave "$REASON."
go_on
`.replaceAll('@{', '${');
