#!/bin/sh
# From models and texts to models tuned with their codecs, measured on another text, and a page of results; what is done already is not done again.
#
#     examples/tune_models.sh OUT TEST.txt TEXT [TEXT ...]
#
# TEXT is fitted to, a file or hf:NAME[:CONFIGURATION[:SPLIT]]. docs/tuning.md says what it costs on a GPU.
set -eu
out=$1 measured=$2
shift 2
models=${MODELS:-"HuggingFaceTB/SmolLM2-135M-Instruct@10 Qwen/Qwen2.5-0.5B-Instruct@8"} # model@layer
for text; do
    set -- "$@" --text "$text"
    shift
done
mkdir -p "$out/rows"
for each in $models; do
    model=${each%@*} layer=${each##*@} folder=$out/$(basename "${each%@*}")
    [ -e "$folder/codec/config.json" ] || python -m rdcodec.cli calibrate --model "$model" --layer "$layer" "$@" --out "$folder/codec"
    accelerate launch -m rdcodec.cli tune --model "$model" --codec "$folder/codec" "$@" --out "$folder/tuned" --part both --resume \
        --lambda "${LAMBDA:-3e-4}" --quality="${QUALITY:--14}" --steps "${STEPS:-2000}" --windows "${WINDOWS:-8}" --mixed-precision
    for inputs in "windows ${MEASURED_WINDOWS:-24}" "last-words ${PASSAGES:-2000}"; do
        rows=$out/rows/$(basename "$model")-${inputs% *}.json
        [ -e "$rows" ] || python -m rdcodec.cli eval --model "$model" --tuned "$folder/tuned" --text "$measured" \
            --"${inputs% *}" "${inputs#* }" --quality="${QUALITIES:--20,-14,-8,-2}" --json "$rows"
    done
done
python -m rdcodec.cli report "$out/rows" --out "$out/results"
