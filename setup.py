"""Builds the C extension rdcodec._core; everything else is in pyproject.toml.

Environment switches:
RDCODEC_OPENMP=0      build without OpenMP (it is used where the compiler has it)
RDCODEC_WERROR=1      warnings are errors
RDCODEC_SANITIZE=1    AddressSanitizer and UndefinedBehaviorSanitizer, for tests/run_sanitized.sh
RDCODEC_COVERAGE=1    counts how often each line is run, for tests/measure_coverage.py
"""

import os
import tempfile
from pathlib import Path

import numpy
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).parent
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic"]
SANITIZERS = ["-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
EMPTY = "int main(void) { return 0; }\n"
OPENMP_PROBE = "#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }\n"


def switched_on(name, default="0"):
    return os.environ.get(name, default) not in ("", "0")


class BuildCore(build_ext):
    """Adds the flags of the compiler at hand. The machine's CPU is never looked at."""

    def build_extensions(self):
        if not self.links(EMPTY, [], []):
            raise SystemExit(
                "rdcodec: building it needs a C compiler that makes programs, such as gcc (Debian: apt-get install build-essential)"
            )
        if self.compiler.compiler_type == "msvc":
            compile_args, link_args = ["/std:c11", "/experimental:c11atomics", "/O2", "/fp:precise"], []
            openmp = ["/openmp"], []
        else:
            compile_args, link_args = ["-std=c11", "-O3", "-ffp-contract=off", "-fvisibility=hidden", *WARNINGS], []
            openmp = ["-fopenmp"], ["-fopenmp"]
            if switched_on("RDCODEC_WERROR"):
                compile_args.append("-Werror")
            if switched_on("RDCODEC_SANITIZE"):
                # Python's own flags have -fwrapv, which makes overflows defined and hides them
                compile_args += [*SANITIZERS, "-fno-wrapv", "-O1", "-g"]
                link_args += SANITIZERS
            if switched_on("RDCODEC_COVERAGE"):
                compile_args += ["--coverage", "-O0"]
                link_args += ["--coverage"]
        if switched_on("RDCODEC_OPENMP", "1") and self.links(OPENMP_PROBE, *openmp):
            compile_args, link_args = compile_args + openmp[0], link_args + openmp[1]
        for extension in self.extensions:
            extension.extra_compile_args = compile_args
            extension.extra_link_args = link_args
        super().build_extensions()

    def links(self, program, compile_args, link_args):
        """True when the compiler makes a program of this source with these flags."""
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "probe.c")
            source.write_text(program)
            try:
                objects = self.compiler.compile([str(source)], output_dir=folder, extra_postargs=compile_args)
                self.compiler.link_executable(objects, str(Path(folder, "probe")), extra_postargs=link_args)
            except Exception:  # distutils raises a different class for every compiler
                return False
        return True


LIBRARY_ALONE = ("checkpoint", "link")  # what csrc/lib.mk has besides: in Python, rdcodec.codecs does this
sources = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "csrc").glob("**/*.c") if path.parent.name not in LIBRARY_ALONE)
headers = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "csrc").glob("**/*.h"))
core = Extension(
    "rdcodec._core",
    sources=sources,
    depends=headers,
    include_dirs=["csrc", numpy.get_include()],
    define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
)
setup(ext_modules=[core], cmdclass={"build_ext": BuildCore})
