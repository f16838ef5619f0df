"""Bricks of the encoders: ``torch.nn`` only, one idea a file. Sequences are (B, T, C) everywhere."""
