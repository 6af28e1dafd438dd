#!/bin/sh
# Fuzzes the C core with libFuzzer under AddressSanitizer and UndefinedBehaviorSanitizer, target after target, from the corpus on:
#
#     run.sh FOLDER SECONDS [TARGET...]
#
# The programs and what is found go to FOLDER: new inputs to FOLDER/corpus/TARGET, those that fail to FOLDER/TARGET-crash-...; the program
# shows one again when it is given the file. The corpus takes in what reaches lines that it did not reach before:
#
#     FOLDER/TARGET -set_cover_merge=1 -use_counters=0 tests/fuzz/corpus/TARGET FOLDER/corpus/TARGET
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
mkdir -p "$1"
out=$(cd "$1" && pwd)
seconds=$2
shift 2
[ $# -gt 0 ] || set -- block parts frame stream tables network prediction checkpoint codec_file
command -v clang >/dev/null || { echo "Fuzzing needs clang, which has libFuzzer: apt-get install clang" >&2; exit 1; }

flags="-std=c11 -O2 -g -Wall -Wextra -Wpedantic -Werror -ffp-contract=off -DSANITIZED -I$root/csrc -I$root/tests/kernels"
sanitizers="-fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all"
mkdir -p "$out/objects"
find "$root/csrc" -name '*.c' ! -path '*/python/*' >"$out/sources"
grep -L '^int main\|^int LLVMFuzzer' "$root"/tests/kernels/*.c "$here"/*.c >>"$out/sources"
while read -r source; do echo "$source -o $out/objects/$(basename "$source" .c).o"; done <"$out/sources" |
    xargs -P "$(nproc)" -L 1 clang $flags $sanitizers -fsanitize=fuzzer-no-link -c

for target in "$@"; do
    clang $flags $sanitizers -fsanitize=fuzzer "-DFUZZ_TARGET=fuzz_$target" "$here/libfuzzer.c" "$out"/objects/*.o -o "$out/$target" -lm
done
for target in "$@"; do
    echo "== $target"
    mkdir -p "$out/corpus/$target" "$here/corpus/$target"
    "$out/$target" -max_total_time="$seconds" -max_len=1024 -timeout=20 -rss_limit_mb=4096 -print_final_stats=1 -verbosity=0 \
        -artifact_prefix="$out/$target-" "$out/corpus/$target" "$here/corpus/$target"
done
