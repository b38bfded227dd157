"""Training pipeline: corpora, tokenizer, distillation, fine-tuning, calibration, export.

Nothing outside this package imports it; serving never needs torch.
"""
