"""The harness is that of the integration tests; limits are for a program twenty times slower."""
import os
import pathlib
import sys

os.environ.setdefault("PATCHBAY_SLOW", "10")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
