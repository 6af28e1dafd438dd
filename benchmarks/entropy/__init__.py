"""The parts of bench_entropy.py: symbols, coders and their processes, what is measured, and how it is shown."""
