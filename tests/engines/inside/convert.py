"""Turn a model folder into a GGUF file with llama.cpp's own converter.

Runs in the engines' environment:  python convert.py LLAMA_CPP_TREE MODEL_FOLDER OUT.gguf
"""

# mypy: ignore-errors
# (its imports exist in the engines' environment only)

from __future__ import annotations

import sys


def main() -> None:
    """Convert what the command line names."""
    tree, model, out = sys.argv[1:]
    sys.path[:0] = [tree, f"{tree}/gguf-py"]
    import conversion.base

    # The converter knows tokenizers by a hash of how they split a sample, and ours is nobody's. It splits text as
    # Qwen 2 does (see train.py), so it's announced under that name.
    for part in vars(conversion.base).values():
        if isinstance(part, type) and "get_vocab_base_pre" in vars(part):
            part.get_vocab_base_pre = lambda *_: "qwen2"

    import convert_hf_to_gguf

    sys.argv = ["convert_hf_to_gguf", model, "--outfile", out, "--outtype", "f32"]
    convert_hf_to_gguf.main()


if __name__ == "__main__":
    main()
