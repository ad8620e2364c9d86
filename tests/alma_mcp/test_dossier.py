import hashlib
import json

import pytest
from promoting import made_dossier

from alma_mcp.errors import StoreError
from alma_mcp.evidence.dossier import load_dossier
from alma_mcp.evidence.static_audit import audit

LATER = {
    "planned", "missing", "detectable", "finalists", "cost", "audit", "opening_id", "results", "domains", "ancestry",
    "agent",
}  # fmt: skip
LATER_OF_SIDES = {"memory_bytes", "state_bytes", "cost"}


def test_a_dossier_is_kept_under_its_hash_and_comes_back_whole(tmp_path):
    dossier = made_dossier()
    dossier.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [f"{dossier.evidence}.json"]
    assert load_dossier(tmp_path, dossier.evidence) == dossier


def test_every_changed_figure_changes_the_evidence():
    assert made_dossier().evidence == made_dossier().evidence
    for changes in ({"p_value": 0.002}, {"verdict": "failed"}, {"controls": {}}, {"command": ""}):
        assert made_dossier(**changes).evidence != made_dossier().evidence


def test_a_dossier_of_before_keeps_its_hash(tmp_path):
    sides = dict.fromkeys(("challenger", "champion"), LATER_OF_SIDES)
    older = made_dossier().model_dump(mode="json", exclude=dict.fromkeys(LATER, True) | sides)
    data = json.dumps(older, sort_keys=True, separators=(",", ":")).encode()
    evidence = hashlib.sha256(data).hexdigest()
    (tmp_path / f"{evidence}.json").write_bytes(data)
    assert load_dossier(tmp_path, evidence).evidence == evidence
    assert made_dossier(missing=1).evidence != evidence


def test_an_audit_comes_back_whole_and_is_part_of_the_evidence(tmp_path):
    dossier = made_dossier(audit=audit("import os\nos.getcwd()\n"))
    dossier.save(tmp_path)
    assert load_dossier(tmp_path, dossier.evidence).audit == dossier.audit
    assert dossier.evidence != made_dossier(audit=audit("import re\n")).evidence != made_dossier().evidence


def test_a_dossier_that_was_changed_or_is_gone_is_told(tmp_path):
    dossier = made_dossier(verdict="failed")
    dossier.save(tmp_path)
    path = tmp_path / f"{dossier.evidence}.json"
    path.write_bytes(path.read_bytes().replace(b"failed", b"passed"))
    with pytest.raises(StoreError, match="changed"):
        load_dossier(tmp_path, dossier.evidence)
    path.unlink()
    with pytest.raises(StoreError, match="missing"):
        load_dossier(tmp_path, dossier.evidence)
