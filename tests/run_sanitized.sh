#!/bin/sh
# Builds the C core with AddressSanitizer and UndefinedBehaviorSanitizer beside the usual build and runs the tests of the core on it.
# PYTHON and CC choose interpreter and compiler; arguments go to pytest.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=${PYTHON:-python3}

cd "$root"
RDCODEC_SANITIZE=1 RDCODEC_WERROR=1 "$python" setup.py -q build --build-base "$work/build" --build-lib "$work/lib"

# the sanitizers' runtime must come first; Python's own allocator would hide the ends of small buffers from them;
# Python itself leaks on purpose, so leaks are not looked for
runtime=$("${CC:-gcc}" -print-file-name=libasan.so)
case ${CC:-gcc} in
*clang*) runtime=$("$CC" -print-file-name=libclang_rt.asan-x86_64.so) ;;
esac
cd "$work/lib" # so that rdcodec is the one just built
LD_PRELOAD=$runtime PYTHONMALLOC=malloc ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 \
    "$python" -m pytest -q -p no:cacheprovider -c "$root/pyproject.toml" --rootdir "$root" \
    "$root/tests/entropy" "$root/tests/quant" "$root/tests/dense" "$root/tests/net" "$root/tests/levels" "$root/tests/stream" "$root/tests/golden" "$root/tests/layout" "$root/tests/estimators" "$root/tests/processes" "$@"
