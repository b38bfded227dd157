"""Evaluation: cases, metrics, comparisons and benchmarks. Import as ``from eval.x import y``: the name shadows a builtin."""
