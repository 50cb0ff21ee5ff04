"""The client that was written from proto/ alone does a school administrator's whole session."""
import sys
from pathlib import Path

import lx

CLIENT = Path(__file__).resolve().parent / "independent_client.py"
SCHOOL = "3401030002"  # whose only workshop nobody else of this folder counts
WORKSHOP = SCHOOL + "-01"
PASSWORD = "correct horse battery"


def session(city: lx.Deployment, code: str) -> list[tuple[str, str]]:
    """Runs the client; its lines as (what, words)."""
    out = lx.run([sys.executable, CLIENT, "127.0.0.1", city.server.port, city.tls / "ca.pem", code, "independent",
                  PASSWORD]).stdout
    return [tuple(line.split(": ", 1)) for line in out.splitlines()]


def test_client_from_the_page(city):
    city.user("independent", "school_admin", SCHOOL, PASSWORD)
    lines = session(city, city.code(SCHOOL))
    said = dict(lines)  # of several lines about one thing the last

    assert said["without a certificate"].startswith("UNAUTHENTICATED device_needed ")
    assert said["hello"] == f"device {said['enrolled']} logged_in False"
    assert said["login"].endswith("token of 32 bytes")
    assert said["scope"] == "3 streams, SCHOOL_ADMIN"  # city, school, workshop
    assert said["workshop"].startswith(WORKSHOP)
    assert said["resumed"] == "True" and said["subscribed"] == "3"

    assert [words for what, words in lines if what == "pushed"] == [
        "GROUP_DONE first 1 op_to 2 expected 0",
        "GROUP_DONE first 3 op_to 4 expected 0",
        "GROUP_REPEATED first 3 op_to 4 expected 0",
        "GROUP_GAP first 10 op_to 4 expected 5",
    ]
    refused = [words for what, words in lines if what == "refused"]
    assert len(refused) == 2 and refused[0] == refused[1], "the repeated push has the same answer"
    assert refused[0].startswith("operation 4 quantity_negative [fact.quantity] ")
    assert said["nudged"] == "True"
    assert said["came back"] == "['person', 'membership', 'hours']"

    assert said["figures"] == f"{WORKSHOP} teachers 1 school_hours 150"
    assert said["standing"].endswith("school_hours 150")
    assert said["after logout"].startswith("UNAUTHENTICATED login_needed ")
    assert said["token after logout"] == "False"
    assert said["done"] == "yes"
