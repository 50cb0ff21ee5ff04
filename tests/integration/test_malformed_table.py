"""malformed.csv: what is malformed, the expected answer, the test that shows it. A row without its test, or with a reason that there is not, fails.

Not in it: files in chunks and their manifests, which the product does not have yet."""
import csv
import re
from pathlib import Path

import pytest

import lx

HERE = Path(__file__).parent
ROWS = list(csv.DictReader((HERE / "malformed.csv").read_text(encoding="utf-8").splitlines()))
REASONS = {line.split(",")[1] for line in (lx.ROOT / "proto/reasons.csv").read_text(encoding="utf-8").splitlines() if line[:1].isdigit()}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["row"])
def test_every_row_has_its_test(row):
    file, test = row["test"].split("::")
    text = (HERE / file).read_text(encoding="utf-8")
    assert re.search(rf"(def|void) {test}\(", text), row["test"]
    named = set(re.findall(r"\b[a-z]+(?:_[a-z0-9]+)+\b", row["answer"]))
    assert named <= REASONS, named - REASONS
    if file.startswith("test_"):
        assert all(f'"{reason}"' in text for reason in named), f"{file} does not ask for {named}"
