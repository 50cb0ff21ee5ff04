"""A4: whatever a database superuser changes in what was audited is found, against heads exported earlier. The long form is the
campaign audit_tamper."""
import lx
import tamper


def test_tamperings_are_found(tmp_path):
    with lx.Deployment(drain_timeout_ms=500) as city:
        counts = tamper.tamper_and_look(city, tmp_path, 4, lambda done: done < 60)
    assert counts["tamperings"] == 60 and counts["not_found"] == 0
