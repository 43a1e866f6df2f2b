#!/bin/sh
# The whole job for one graphics card: train, then compare and measure. Everything goes to $OUT as it happens.
#
#   OUT=folder PACK=pack.npz sh Testing/Device/run.sh
#
# OUT      folder for the results
# PACK     file that pack.py wrote
# TRAIN_UNTIL (440 seconds from now), DEVICE (cuda), JOB_OPTIONS, PYTHON (python3)
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
python=${PYTHON:-python3}
device=${DEVICE:-cuda}
until=${TRAIN_UNTIL:-440}
deadline=$(($(date +%s) + until))
start=${START:-$root/MedCLIPSegLogic/Resources/Models/mini}
export PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1 TOKENIZERS_PARALLELISM=false
mkdir -p "$OUT"
OUT=$(cd "$OUT" && pwd)
PACK=$(cd "$(dirname "$PACK")" && pwd)/$(basename "$PACK")
cd "$root" || exit 1
log="$OUT/log.txt"
{
    date
    nvidia-smi 2>&1 | head -15
    lscpu | grep -E "Model name|^CPU\(s\)|Thread"
    free -g | head -2
} >>"$log" 2>&1

echo "--- training" >>"$log"
OMP_NUM_THREADS=1 timeout $((until + 20)) "$python" "$here/job.py" --pack "$PACK" --start "$start" --out /tmp/trained \
    --deadline "$deadline" --device "$device" --copy "$OUT" ${JOB_OPTIONS:-} >>"$log" 2>&1
echo "training ended with $?" >>"$log"
date >>"$log"

model=$start
if [ -f /tmp/trained/average.safetensors ]; then
    cp /tmp/trained/average.safetensors /tmp/trained/model.safetensors
    model=/tmp/trained
fi

echo "--- tests" >>"$log"
FIGURES_FILE="$OUT/figures.json" MODEL_TO_TEST="$model" timeout 75 "$python" -m pytest -m cuda -q \
    -p no:cacheprovider --rootdir "$here" "$here/test_cuda.py" >>"$log" 2>&1
echo "tests ended with $?" >>"$log"

echo "--- bench" >>"$log"
timeout 35 "$python" -m MedCLIPSegLogic bench --model "$model" --device "$device" --part variants --part memory \
    --json >"$OUT/bench-mini.json" 2>>"$log"
echo "bench of mini ended with $?" >>"$log"
timeout 45 "$python" -m MedCLIPSegLogic bench --model unimedclip --random-weights --device "$device" --part variants \
    --part memory --repeats 2 --json >"$OUT/bench-unimedclip.json" 2>>"$log"
echo "bench of unimedclip ended with $?" >>"$log"
date >>"$log"
tail -60 "$log"
