"""Runs the benches named (or all) and prints their rows: what, ours, the peer's, the ratio, the aim.

A bench is a file beside this one with a generator `rows()` of Row. Ratios come from one run, since machines are shared and noisy.
"""
import importlib
import os
import pathlib
import sys
from dataclasses import dataclass

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
os.environ.setdefault("PATCHBAYD", str(ROOT / "build-bench/core/patchbayd"))
os.environ.setdefault("PATCHBAY_PLUGINS", str(ROOT / "build-bench/plugins"))
sys.path[:0] = [str(HERE), str(ROOT / "tests/integration")]


@dataclass
class Row:
    what: str
    ours: str
    peer: str = ""
    ratio: str = ""
    aim: str = ""


def main(names):
    # The benches import Row from here: this file must be one module, not two.
    sys.modules["bench"] = sys.modules[__name__]
    names = names or sorted(p.stem for p in HERE.glob("*.py") if p.stem != "bench" and hasattr(importlib.import_module(p.stem), "rows"))
    heads = Row("what", "ours", "peer", "ratio", "aim")
    rows = [heads]
    for name in names:
        for row in importlib.import_module(name).rows():
            rows.append(row)
            print(f"  … {row.what}: {row.ours} {row.ratio}", file=sys.stderr, flush=True)
    columns = [[getattr(r, c) for r in rows] for c in ("what", "ours", "peer", "ratio", "aim")]
    widths = [max(map(len, c)) for c in columns]
    for i, row in enumerate(zip(*columns)):
        print("| " + " | ".join(text.ljust(w) for text, w in zip(row, widths)) + " |")
        if i == 0:
            print("|" + "|".join("-" * (w + 2) for w in widths) + "|")


if __name__ == "__main__":
    main(sys.argv[1:])
