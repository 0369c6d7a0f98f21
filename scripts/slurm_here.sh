#!/usr/bin/env bash
# slurm_here.sh COMMAND...: run a command beside a Slurm of one node, this machine, which ends with the command.
#
#   scripts/slurm_here.sh gogh-sim run -m hydra/launcher=slurm scheduler=fifo,gogh seed=1,2
#
# For trying out and testing what is meant for a cluster. Needs Debian's packages slurm-wlm and munge (or their like),
# whose services need not run: munged, slurmctld and slurmd are started here with a configuration, keys, ports and
# state of their own, in a temporary folder. There is no accounting, so `sacct` knows nothing. As root, munged runs as
# the user munge, as it wants; without root, everything runs as the user who starts it.
set -euo pipefail

[ $# -gt 0 ] || { sed -n '2,4s/^# \{0,1\}//p' "$0" >&2; exit 2; }
PATH=$PATH:/usr/sbin:/sbin
for program in munged mungekey slurmctld slurmd sinfo; do
    command -v "$program" >/dev/null || { echo "slurm_here: $program is not installed (slurm-wlm, munge)" >&2; exit 2; }
done

state=$(mktemp -d "${TMPDIR:-/tmp}/slurm_here.XXXXXX")
chmod 755 "$state"
mkdir -m 755 "$state/munge" "$state/controller" "$state/node"
as_munge=()
if [ "$(id -u)" = 0 ]; then
    chown munge: "$state/munge"
    as_munge=(setpriv --reuid=munge --regid=munge --clear-groups)
fi

pids=()
finish() {
    for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
        kill "${pids[i]}" 2>/dev/null || true
        wait "${pids[i]}" 2>/dev/null || true
    done
    rm -rf "$state"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

free_ports() {
    python3 - <<'PORTS'
import socket
held = [socket.socket() for _ in range(2)]
for one in held:
    one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in held))
PORTS
}
read -r controller_port node_port < <(free_ports)

export SLURM_CONF=$state/slurm.conf
cat >"$SLURM_CONF" <<CONF
ClusterName=here
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=$controller_port
SlurmdPort=$node_port
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$state/munge/socket
StateSaveLocation=$state/controller
SlurmdSpoolDir=$state/node
SlurmctldPidFile=$state/controller.pid
SlurmdPidFile=$state/node.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
ReturnToService=2
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=here Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF

# started NAME COMMAND...: in the background, its output in a file that is shown if it does not come up.
started() {
    local name=$1
    shift
    "$@" >"$state/$name.log" 2>&1 &
    pids+=($!)
}

# until_true NAME COMMAND...: wait for what a service brings up, for as long as it lives, 30 seconds at most.
until_true() {
    local name=$1 tries=0
    shift
    until "$@" >/dev/null 2>&1; do
        if ! kill -0 "${pids[-1]}" 2>/dev/null || [ $((tries += 1)) -gt 300 ]; then
            echo "slurm_here: $name did not come up:" >&2
            tail -n 20 "$state/$name.log" >&2
            exit 1
        fi
        sleep 0.1
    done
}
node_is_idle() { [ "$(sinfo --noheader --format=%t)" = idle ]; }

"${as_munge[@]}" mungekey --create --keyfile "$state/munge/key"
started munged "${as_munge[@]}" munged --foreground --socket="$state/munge/socket" --key-file="$state/munge/key" \
    --pid-file="$state/munge/pid" --seed-file="$state/munge/seed" --log-file="$state/munge/log"
until_true munged test -S "$state/munge/socket"
started slurmctld slurmctld -D
started slurmd slurmd -D
until_true slurmd node_is_idle

code=0
"$@" || code=$?
exit "$code"
