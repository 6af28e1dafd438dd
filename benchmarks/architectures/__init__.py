"""The parts of bench_architectures.py: models and how they are trained, codecs, and how figures are shown."""
