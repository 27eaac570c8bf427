"""Models and costs through `/v1`: before the real router, with a provider that is not one."""

import httpx
import pytest

from serve.api import build_app, shapes_of_models
from tests.fake_provider.fixtures import fake_provider, fake_provider_url  # noqa: F401
from tests.unit.actors.routing.kit import House as RouterHouse
from tests.unit.actors.routing.kit import ok

SLOT = "one/ONE_KEY/tiny-1"


class Face:
    """The router without a border between."""

    def __init__(self, router):
        self._router = router

    async def command(self, name, body):
        return ok(await self._router.command(name, body))

    async def query(self, name, body):
        return ok(await self._router.query(name, body))


@pytest.fixture
async def owner(house, settings, tmp_path, fake_provider):  # noqa: F811
    """A client of a house with a router and one provider."""
    routed = RouterHouse(tmp_path / "routed")
    routed.provide({"name": "one", "url": fake_provider.at("one")})
    face = Face(await routed.ready())
    app = build_app(house.desk, house.hub, house.home, router=face, settings=settings)
    headers = {"Authorization": f"Bearer {house.home.token.read_text().strip()}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1:8420", headers=headers
    ) as client:
        yield client
    await routed.close()


async def test_models_are_listed_with_what_is_known_of_them(owner):
    answer = (await owner.get("/v1/models")).json()
    page = shapes_of_models.ModelPage.model_validate(answer)
    assert [one.slot for one in page.items] == [SLOT]
    assert (page.items[0].state, page.items[0].price.output) == ("open", 2.0)
    assert (page.problem, page.halted, page.next_cursor) == (None, False, None)


async def test_a_slot_with_slashes_is_shown_tripped_and_reset(owner):
    shown = await owner.get(f"/v1/models/{SLOT}")
    assert shapes_of_models.ModelDetail.model_validate(shown.json()).candidates[0].model == "tiny"
    closed = (await owner.post(f"/v1/models/{SLOT}/trip", json={"for_s": 60})).json()
    assert shapes_of_models.ModelsChanged.model_validate(closed).matched == [SLOT]
    assert (await owner.get("/v1/models/tiny")).json()["candidates"][0]["state"] == "closed"
    assert (await owner.post(f"/v1/models/{SLOT}/reset")).json()["matched"] == [SLOT]
    assert (await owner.get("/v1/models/one")).json()["candidates"][0]["state"] == "open"


async def test_a_whole_provider_is_closed_without_a_body(owner):
    assert (await owner.post("/v1/models/one/trip")).status_code == 200
    assert (await owner.get("/v1/models/one")).json()["candidates"][0]["state"] == "closed"


async def test_a_test_is_one_real_call(owner):
    tried = shapes_of_models.ModelTried.model_validate(
        (await owner.post("/v1/models/tiny/test")).json()
    )
    assert [(one.ok, one.slot) for one in tried.tries] == [(True, SLOT)]
    assert tried.tries[0].took_us > 0


async def test_the_catalogue_is_read_again(owner):
    told = shapes_of_models.ModelReloaded.model_validate(
        (await owner.post("/v1/models/reload")).json()
    )
    assert (told.changed, told.problem) == (False, None)


@pytest.mark.parametrize(("verb", "path"), [("GET", ""), ("POST", "/trip"), ("POST", "/test")])
async def test_a_name_that_nobody_has_is_told(owner, verb, path):
    answer = await owner.request(verb, f"/v1/models/nobody{path}")
    assert answer.status_code == 404
    assert "helio model list" in answer.json()["remedy"]


async def test_a_wrong_length_of_time_is_refused(owner):
    answer = await owner.post("/v1/models/one/trip", json={"for_s": -1})
    assert answer.status_code == 400


async def test_costs_are_added_up(owner):
    sums = shapes_of_models.CostSums.model_validate(
        (await owner.get("/v1/costs", params={"by": "model", "since": "2026-11-01"})).json()
    )
    assert (sums.by, sums.items, sums.total.calls) == ("model", [], 0)
    assert (await owner.get("/v1/costs", params={"by": "mood"})).status_code == 400
    assert (await owner.get("/v1/costs", params={"since": "yesterday"})).status_code == 400


async def test_a_house_without_a_router_says_so(house, settings):
    app = build_app(house.desk, house.hub, house.home, settings=settings)
    headers = {"Authorization": f"Bearer {house.home.token.read_text().strip()}"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8420", headers=headers
    ) as client:
        answer = await client.get("/v1/models")
    assert (answer.status_code, answer.json()["type"]) == (
        503, "urn:heliograph:problem:unavailable",
    )  # fmt: skip
