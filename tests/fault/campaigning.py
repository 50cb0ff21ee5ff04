"""What the campaigns written in Python share: their arguments, and what is kept of a finding."""
import argparse
import json
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

FINDINGS = Path(__file__).resolve().parent / "findings"


def main(work) -> int:
    """work(seed, seconds, folder) -> counts; whatever it raises is a finding, and its folder is kept."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    given = parser.parse_args()
    name = Path(sys.argv[0]).name
    folder = Path(tempfile.mkdtemp(prefix=f"lx-{name}-"))
    try:
        counts = work(given.seed, given.seconds, folder)
    except Exception:  # noqa: BLE001  (any of them is a finding)
        traceback.print_exc(file=sys.stdout)
        kept = FINDINGS / f"{name}-{given.seed}-{int(time.time())}"
        FINDINGS.mkdir(exist_ok=True)
        shutil.copytree(folder, kept, symlinks=True, ignore_dangling_symlinks=True)
        print(f"kept: {kept}\nagain: {sys.argv[0]} --seed {given.seed} --seconds {given.seconds:.0f}")
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(counts))
    return 0


def until(seconds: float):
    """more(kills) of a campaign: for so long, at least once."""
    end = time.monotonic() + seconds
    return lambda done: done == 0 or time.monotonic() < end
