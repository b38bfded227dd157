"""Our encoder against all-MiniLM-L6-v2 in the same int8 form: milliseconds of one pass, one thread, in turn.

python -m training.speed [--model FOLDER] [--tokens 16] [--rounds 400]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from training.checkpoint import load_teacher
from training.export import export_onnx
from training.finetuning import FineTuningConfig, MultiTaskHeads
from triage.bootstrap import model_folder
from triage.settings import Settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=None)
    parser.add_argument("--tokens", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=400)
    options = parser.parse_args()
    import onnxruntime

    one = onnxruntime.SessionOptions()
    one.intra_op_num_threads = one.inter_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder:
        teacher, config = load_teacher(), FineTuningConfig()
        path = Path(folder) / "encoder.onnx"
        export_onnx(teacher, MultiTaskHeads(teacher.width, config.hidden, config.dropout), path)
        graphs = {"ours": (options.model or model_folder(Settings())) / "encoder.onnx", "all-MiniLM-L6-v2": path}
        sessions = {
            name: onnxruntime.InferenceSession(str(graph), one, providers=["CPUExecutionProvider"])
            for name, graph in graphs.items()
        }
        ids = np.random.default_rng(0).integers(1000, 20_000, (options.rounds, 1, options.tokens))
        times: dict[str, list[float]] = {name: [] for name in sessions}
        for row in ids:  # in turn, so that what else the machine does falls on both
            for name, session in sessions.items():
                begun = time.perf_counter()
                session.run(None, {"input_ids": row, "attention_mask": np.ones_like(row)})
                times[name].append((time.perf_counter() - begun) * 1000)
        for name, values in times.items():
            size = graphs[name].stat().st_size / 1e6
            print(
                f"{name:18} p50 {np.median(values):.2f} ms  p95 {np.quantile(values, 0.95):.2f} ms  graph {size:.1f} MB"
            )
    print(f"ratio of the medians {np.median(times['ours']) / np.median(times['all-MiniLM-L6-v2']):.2f}")


if __name__ == "__main__":
    main()
