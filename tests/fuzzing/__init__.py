"""Every parser of the tool, with real bytes to begin from and what must hold of any bytes at all.

The registry (`parsers.PARSERS`) serves three: Hypothesis (tests/trust/test_parsers.py), atheris (`nox -s fuzz`, which
is `python -m fuzzing`), and the growth curves (benchmarks/test_parsers.py).
"""
