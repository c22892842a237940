#!/usr/bin/env bash
# Injects faults into trainings and tells what was lost: the table of Documentation/Reliability.md.
#
#   benchmarks/reliability.sh [--quick] [--write] [--kindred PROGRAM]
#
# Whatever happens to a training, the run that goes on must end with the same bytes as one that was never
# disturbed: model, log of all steps, and evaluation. Needs bash, coreutils and the data compiled in; it takes a
# quarter of an hour. --quick is the form of the tests; --write puts the table into Documentation/Reliability.md.
# The status is 0 if nothing was lost.
set -uo pipefail -o noglob
quick=false write=false kindred=""
while (($#)); do
  case $1 in
  --quick) quick=true ;;
  --write) write=true ;;
  --kindred) kindred=$(realpath "$2") && shift ;;
  *) echo "unknown option $1" >&2 && exit 64 ;;
  esac
  shift
done
cd "$(dirname "$0")/.."
if [[ -z $kindred ]]; then
  swift build -c release --product kindred >&2 || exit 1
  kindred=$PWD/.build/release/kindred
fi
if $quick; then kills=1 others=2 soak=400 steps=40; else kills=7 others=8 soak=100000 steps=150; fi

work=$(mktemp -d)
running=""
trap '[[ -n $running ]] && kill -9 "$running" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work"
RANDOM=7
ln -s "$kindred" kindred # the printed lines call it by its name
PATH=$work:$PATH

# Eight classes of ten items, half of them to judge on.
awk 'BEGIN {
  srand(5); print "a,b,c,d,e,f,class"
  for (c = 0; c < 8; c++) { for (k = 0; k < 6; k++) mean[k] = 4 * rand() - 2
    for (i = 0; i < 10; i++) { for (k = 0; k < 6; k++) printf "%.4f,", mean[k] + rand() - 0.5; print "c" c } }
}' >items.csv
cat >recipe.json5 <<'JSON5'
{
  data: { name: "csv", path: "./items.csv" },
  model: { name: "linear", embedding: 8 },
  losses: [{ name: "contrastive" }],
  sampler: { name: "m-per-class", classes: 4, perClass: 4 },
  training: { evaluateEvery: 50, checkpointEvery: 5, report: false },
}
JSON5

# Every kind of state that a run has.
declare -A recipes=(
  ["SGD with momentum, the last model"]="optimizer={name:'sgd',momentum:0.9} training.keep=last"
  ["AdamW, cosine schedule with warm-up"]="schedule={name:'cosine',warmup:20} training.gradientClip=1"
  ["statistics of batch normalisation"]="data={name:'digits',trainClasses:[0,1,2,3],testClasses:[8,9]} model={name:'conv4',blocks:1,width:4,embedding:8}"
  ["classes kept aside, patience"]="training.validation=0.4 training.patience=90 sampler.classes=2"
  ["proxies with a rate of their own"]="losses=[{name:'proxy-anchor'},{name:'soft-triple'}] optimizer={name:'adamw',lossLearningRate:0.01}"
  ["memory of batches, mining"]="losses=[{name:'multi-similarity',miner:{name:'multi-similarity'},memory:{size:70,warmup:3}}]"
  ["momentum encoder"]="losses=[{name:'triplet-margin',miner:{name:'batch-hard'},memory:{size:70,momentum:0.9}}]"
  ["queue of second views"]="losses=[{name:'nt-xent',memory:{size:70,momentum:0.9,keys:'second-view',positives:'item'}}] augmentation={name:'affine'}"
  ["memory bank"]="losses=[{name:'noise-contrastive',memory:{size:5000,slots:'item',positives:'item',drawn:30}}]"
  ["running histogram, modifiers"]="losses=[{name:'dynamic-soft-margin',momentum:0.3},{name:'multi-similarity',modifiers:['metrix',{name:'koleo',weight:0.1}]}]"
  ["adaptive sampler of hard items"]="sampler={name:'hardness-weighted',classes:4,perClass:4,every:3}"
  ["adaptive sampler of topics"]="sampler={name:'topic-clustered',classes:4,perClass:4,topics:2,every:4}"
  ["adaptive sampler of coresets"]="sampler={name:'coreset',classes:4,perClass:4,every:7}"
  ["a guard that acts"]="guard={action:'spread',meanCosine:-1,patience:2,duration:4}"
  ["chunks"]="training.chunk=7"
)

lost=0
table="| fault | injected | lost |
|---|---:|---:|"
# row WHAT INJECTED LOST
row() {
  table+=$'\n'"| $1 | $2 | $3 |"
  lost=$((lost + $3))
  printf '%-72s %4s injected, %s lost\n' "$1" "$2" "$3" >&2
}
complain() { echo "LOST: $*" >&2; }

settings=()
# use NAME: the settings of a recipe, and an undisturbed run of it in "whole"
use() {
  settings=()
  for setting in ${recipes[$1]} "training.steps=$steps"; do settings+=(--set "$setting"); done
  rm -rf whole run
  local start=$EPOCHREALTIME
  kindred train recipe.json5 --out whole "${settings[@]}" >whole.log 2>&1 || { cat whole.log >&2 && exit 1; }
  duration=$(awk "BEGIN { print $EPOCHREALTIME - $start }")
}
train() { kindred train recipe.json5 --out run "${settings[@]}" "$@"; }
# begin OPTIONS...: the same in the background, with its number in $running
begin() {
  begun=$EPOCHREALTIME
  kindred train recipe.json5 --out run "${settings[@]}" "$@" >run.log 2>&1 &
  running=$!
}
# Waits for it; the status is its own.
ended() {
  local status
  { wait "$running"; } 2>/dev/null
  status=$?
  running=""
  return $status
}
# a part of the undisturbed run's time, from $1 to $2
pause() { sleep "$(awk "BEGIN { srand($RANDOM$RANDOM); print $duration * ($1 + ($2 - $1) * rand()) }")"; }
# A run was over: before its fault, as a machine that others used is faster now than when it was timed, or
# since the fault came before the program was there to take it. This one tells how long a run takes.
early() { duration=$(awk "BEGIN { print $EPOCHREALTIME - $begun }"); }
resumption() { [[ -d run ]] && echo --resume; }
# Whether what the run left is what the undisturbed one left.
same() {
  local file
  for file in model.safetensors metrics.jsonl evaluation.json; do
    cmp -s "run/$file" "whole/$file" || { complain "$1: $file differs" && return 1; }
  done
  [[ -z $(find run -name '*.partial' -o -name lock) ]] || { complain "$1: files are left over" && return 1; }
}
# Goes on to the end; the number of losses is in $found.
finish() {
  if train $(resumption) >run.log 2>&1 && same "$1"; then found=0; else
    tail -n 2 run.log >&2
    found=1
  fi
}

# MARK: Ended by a signal

total=0
for name in "${!recipes[@]}"; do
  use "$name"
  hits=0 sum=0
  while ((hits < kills)); do
    begin $(resumption)
    pause 0 1
    kill -9 "$running" 2>/dev/null
    ended
    if (($? == 137)); then
      hits=$((hits + 1))
    else
      # One that ended before the signal is compared, and another begun.
      early
      finish "$name"
      sum=$((sum + found))
      rm -rf run
    fi
  done
  finish "$name"
  row "SIGKILL at any moment: $name" "$hits" $((sum + found))
  total=$((total + hits))
done

# stop WHAT TIMES SIGNAL...: a run stops with a line that says how to go on, and that line does.
stop() {
  local what=$1 times=$2 sum=0 hits=0 signal status line
  shift 2
  while ((hits < times)); do
    rm -rf run
    begin --seed 0
    pause 0.1 0.9
    for signal in "$@"; do kill -"$signal" "$running" 2>/dev/null; done
    ended
    status=$?
    ((status == 0)) && early && continue # it was over already
    hits=$((hits + 1))
    if ((status == 130)) && line=$(grep -ao 'kindred train .*--resume' run.log); then
      bash -c "$line" >run.log 2>&1 || { complain "$what: $line" && sum=$((sum + 1)); }
    elif ((status < 129)); then
      complain "$what: status $status" && sum=$((sum + 1))
    fi
    finish "$what"
    sum=$((sum + found))
  done
  row "$what" "$hits" "$sum"
}
use "momentum encoder"
stop "SIGTERM" "$others" TERM
stop "SIGINT (Ctrl-C), then the line that was printed" "$others" INT
stop "SIGINT twice" "$others" INT INT

# MARK: The disk

# refused WHAT STATUS: a command ended with 73 or 74 and one line.
refused() {
  if [[ $2 != 73 && $2 != 74 ]] || [[ $(grep -ac '^kindred: ' run.log) != 1 ]]; then
    complain "$1: status $2" && tail -n 2 run.log >&2 && return 1
  fi
}
# In units of 1024 bytes: from less than a recipe to less than the largest file.
largest=$(find whole -type f -printf '%s\n' | sort -n | tail -n 1)
sum=0 hits=0
while ((hits < others)); do
  rm -rf run
  (ulimit -f $((1 + RANDOM % (largest / 1024))) && train >run.log 2>&1)
  status=$?
  if ((status != 0)); then
    hits=$((hits + 1))
    refused "a full disk" "$status" || sum=$((sum + 1))
  fi
  finish "a full disk"
  sum=$((sum + found))
done
row "no room for a file (a limit on its size)" "$hits" "$sum"

if unshare -rm bash -c 'mount -t tmpfs none /mnt' 2>/dev/null; then
  all=$(du -k --apparent-size -s whole | cut -f 1)
  sum=0 hits=0
  while ((hits < others)); do
    rm -rf run disk && mkdir disk
    room=$((4 + RANDOM % (all - 3)))
    unshare -rm bash -c "mount -t tmpfs -o size=${room}k none disk &&
      kindred train recipe.json5 --out disk/run ${settings[*]@Q} >run.log 2>&1; status=\$?; cp -r disk/run . 2>/dev/null; exit \$status"
    status=$?
    if ((status != 0)); then
      hits=$((hits + 1))
      refused "a full tmpfs" "$status" || sum=$((sum + 1))
    fi
    finish "a full tmpfs"
    sum=$((sum + found))
  done
  row "a full disk (a small tmpfs)" "$hits" "$sum"
fi

rm -rf run
train --json 2>run.log >/dev/full
status=$? sum=0
refused "/dev/full" "$status" || sum=1
same "/dev/full" || sum=$((sum + 1))
row "results that nobody can take (/dev/full): said, and the run is whole" 1 "$sum"

rm -rf run
begin && pause 0.5 0.8 && kill -TERM "$running" 2>/dev/null
ended
as=()
((EUID == 0)) && as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
if ((EUID != 0)) || { chmod 755 "$work" && "${as[@]}" kindred --version >/dev/null 2>&1; }; then
  chmod -R a-w run && before=$(find run -type f -exec cksum {} + | sort)
  "${as[@]}" kindred train recipe.json5 --out run "${settings[@]}" --resume >run.log 2>&1
  status=$? sum=0
  refused "a read-only folder" "$status" || sum=1
  [[ $before == "$(find run -type f -exec cksum {} + | sort)" ]] || sum=$((sum + 1))
  chmod -R u+w run
  finish "a read-only folder"
  row "a read-only folder" 1 $((sum + found))
fi

# damage HOW FILE
damage() {
  local size
  size=$(stat -c %s "$2")
  case $1 in
  flip) printf '\x55' | dd of="$2" bs=1 seek=$((RANDOM * 32768 % size + RANDOM % 100)) conv=notrunc 2>/dev/null ;;
  cut) truncate -s $((size * (RANDOM % 100) / 100)) "$2" ;;
  esac
}
for how in flip cut; do
  sum=0 hits=0
  for ((i = 0; i < others; i++)); do
    rm -rf run
    # For a moment the newest has both names, and there is nothing older.
    while [[ ! -f run/checkpoint/previous.safetensors || -f run/evaluation.json ||
      run/checkpoint/previous.safetensors -ef run/checkpoint/state.safetensors ]]; do
      rm -rf run
      begin
      until [[ -f run/checkpoint/previous.safetensors ]] || ! kill -0 "$running" 2>/dev/null; do sleep 0.01; done
      pause 0 0.2
      kill -9 "$running" 2>/dev/null
      ended || continue
      early
    done
    cp run/checkpoint/state.safetensors state
    damage "$how" run/checkpoint/state.safetensors
    cmp -s state run/checkpoint/state.safetensors && continue
    hits=$((hits + 1))
    finish "a damaged checkpoint ($how)"
    grep -aq "newest checkpoint cannot be used" run.log || { complain "damage is not said" && found=1; }
    sum=$((sum + found))
  done
  row "the newest checkpoint damaged ($how): the older is used, and said" "$hits" "$sum"
done

# MARK: Two writers

sum=0
for ((i = 0; i < others; i++)); do
  rm -rf run
  train >first.log 2>&1 &
  first=$!
  train $(((i % 2)) && echo --resume) >second.log 2>&1 &
  second=$!
  wait $first
  one=$?
  wait $second
  two=$?
  if [[ $one == 0 ]]; then loser=$two; else loser=$one; fi
  # The second may come when the first is over, or, to go on, before there is anything.
  [[ $one == 0 || $two == 0 ]] && [[ $loser == 73 || $loser == 66 || $loser == 0 ]] ||
    { complain "two writers: $one and $two" && sum=$((sum + 1)); }
  same "two writers" || sum=$((sum + 1))
done
row "two trainings in one folder: one is refused" "$others" "$sum"

# MARK: A soak

rm -rf run
settings=(--set "training.steps=$soak" --set training.checkpointEvery=0 --set training.evaluateEvery=$((soak / 20))
  --set "losses=[{name:'multi-similarity',miner:{name:'multi-similarity'},memory:{size:70,momentum:0.9}},{name:'proxy-anchor'}]"
  --set "sampler={name:'hardness-weighted',classes:4,perClass:4,every:100}")
start=$EPOCHREALTIME
begin
samples=()
while kill -0 "$running" 2>/dev/null; do
  read -r _ resident _ 2>/dev/null <"/proc/$running/statm" || break
  open=$(ls "/proc/$running/fd" 2>/dev/null | wc -l)
  done_=$(wc -l 2>/dev/null <run/metrics.jsonl || echo 0)
  # Of the processor's time, as the machine may have other things to do.
  spent=$(awk '{ print ($14 + $15) / 100 }' 2>/dev/null <"/proc/$running/stat") || break
  samples+=("$spent ${done_:-0} $((resident * 4)) $open")
  sleep $($quick && echo 0.1 || echo 1)
done
ended
status=$?
seconds=$(awk "BEGIN { printf \"%.0f\", $EPOCHREALTIME - $start }")
# The first fifth is a warm-up; then memory, descriptors and speed are compared half by half.
summary=$(printf '%s\n' "${samples[@]}" | awk '
  { time[NR] = $1; steps[NR] = $2; memory[NR] = $3; open[NR] = $4 }
  END {
    from = int(NR / 5) + 1; middle = int((from + NR) / 2)
    for (i = from; i <= NR; i++) if (i <= middle) { if (memory[i] > a) a = memory[i]; if (open[i] > c) c = open[i] }
      else { if (memory[i] > b) b = memory[i]; if (open[i] > d) d = open[i] }
    first = (steps[middle] - steps[from]) / (time[middle] - time[from] + 1e-9)
    second = (steps[NR] - steps[middle]) / (time[NR] - time[middle] + 1e-9)
    printf "%.1f %.1f %d %d %.0f %.0f %d", a / 1024, b / 1024, c, d, first, second, (b > a * 1.1 || d > c || second < first * 0.7)
  }')
read -r a b c d first second grew <<<"$summary"
$quick && grew=0 # too short to tell
((status == 0)) || grew=1
row "a soak of $soak steps in $seconds s" 1 "$grew"
note="Of the soak, first and second half after a warm-up: at most $a and $b MiB resident, $c and $d open files, $first and
$second steps a second of the processor's time."
echo "$note" >&2

echo "$table"
echo
echo "$note"
if $write; then
  page=$OLDPWD/Documentation/Reliability.md
  {
    sed '/<!-- measured -->/q' "$page"
    echo
    echo "$table"
    echo
    echo "$note"
    echo
    sed -n '/<!-- end of what was measured -->/,$p' "$page"
  } >page.md && cat page.md >"$page"
fi
((lost == 0))
