"""No name is a path: what climbs out of a folder is refused, and nothing outside is touched."""

from pathlib import Path
from urllib.parse import quote

import pytest
from pydantic import ValidationError

from homeostat.cli.settings import Settings
from tests.shell.serving.world import CONFIG, World, asking

pytestmark = pytest.mark.anyio

CLIMBING = (
    *("..", "../secret", "../../secret", "..\\secret", "..\\..\\secret", "%2e%2e/secret"),
    *("%252e%252e%252fsecret", "..%c0%afsecret", "....//secret", "./secret", ".", "~/secret"),
    *("/etc/passwd", "C:\\secret", "\\\\host\\share", "file:///etc/passwd", "secret\x00.css"),
    *("swagger-ui.css/../../secret", "a" * 65, " secret", "secret\n", "link"),
)


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """A file that nobody may read, and a link to it."""
    secret = tmp_path / "secret"
    secret.write_text("outside of everything")
    (tmp_path / "models").mkdir(exist_ok=True)
    (tmp_path / "models" / "link").symlink_to(secret)
    return secret


def files(beside: Path) -> dict[str, bytes]:
    """All around, but for the store, which is written to."""
    return {
        str(one): one.read_bytes()
        for one in sorted(beside.parent.rglob("*"))
        if one.is_file() and not one.name.startswith("homeostat.db")
    }


@pytest.mark.parametrize("safe", ["/%:~", ""], ids=["as it is", "quoted"])
async def test_a_name_in_a_path_is_no_way_out(world: World, beside: Path, safe: str) -> None:
    before = files(beside)
    async with asking(world) as client:
        for name in CLIMBING:
            sent = quote(name, safe=safe)
            answers = [
                await client.get(f"/{path}/{sent}")
                for path in ("docs", "monitoring/drift", "model")
            ]
            body = {"model_name": name, "mean_prediction": 0.4, "std_prediction": 0.2}
            refused = [
                await client.post("/monitoring/baseline", json=body),
                await client.get("/monitoring/stats", params={"model_name": name}),
            ]

            assert {one.status_code for one in refused} <= {404, 422}, name
            assert all(one.status_code < 500 for one in answers), name
            assert "outside of everything" not in "".join(one.text for one in answers + refused)

    assert files(beside) == before
    assert b"outside of everything" in before.values()


@pytest.mark.parametrize("name", CLIMBING[:-1], ids=repr)
def test_no_model_is_called_like_that(name: str) -> None:
    with pytest.raises(ValidationError, match="model"):
        Settings.model_validate({**CONFIG, "model": name})


def test_a_plain_name_is_one() -> None:
    """The control: it is the climbing that is refused."""
    for name in ("credit", "Credit-2.1_b", "a" * 64):
        assert Settings.model_validate({**CONFIG, "model": name}).model == name
