#!/bin/sh
# The whole job for one graphics card: train, then compare and measure. Everything goes to $OUT as it happens.
#
#   OUT=folder PACK=pack.npz sh Testing/Device/run.sh
#
# OUT      folder for the results
# PACK     file that pack.py wrote
# START    model folder to start from; the bundled model by default
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
OMP_NUM_THREADS=1 timeout $((until + 20)) "$python" "$here/job.py" --pack "$PACK" --start "$start" --out "$OUT/model" \
    --deadline "$deadline" --device "$device" ${JOB_OPTIONS:-} >>"$log" 2>&1
echo "training ended with $?" >>"$log"
date >>"$log"

model=$start
if [ -f "$OUT/model/model.safetensors" ]; then
    model="$OUT/model"
fi

echo "--- tests" >>"$log"
FIGURES_FILE="$OUT/figures.json" MODEL_TO_TEST="$model" timeout 75 "$python" -m pytest -m cuda -q \
    -p no:cacheprovider --rootdir "$here" "$here/test_cuda.py" >>"$log" 2>&1
echo "tests ended with $?" >>"$log"

echo "--- speed" >>"$log"
timeout 35 "$python" -m MedCLIPSegLab speed --model "$model" --device "$device" --json \
    >"$OUT/speed-mini.json" 2>>"$log"
echo "speed of mini ended with $?" >>"$log"
timeout 45 "$python" -m MedCLIPSegLab speed --model unimedclip --random-weights --device "$device" --repeats 2 --json \
    >"$OUT/speed-unimedclip.json" 2>>"$log"
echo "speed of unimedclip ended with $?" >>"$log"
date >>"$log"
tail -60 "$log"
