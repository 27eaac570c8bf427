"""Who may come in, by which name, from which page, and what an answer may not carry."""

import httpx
import pytest

from engine.moments import us
from engine.settings import ServeSettings
from engine.tickets import Purpose, issue
from serve.api.guard import PUBLIC, host_names
from serve.auth import FORM_HEADER

TOKEN = "the-token-of-the-house"
OWN = {"Origin": "http://127.0.0.1:8420"}


async def test_without_the_token_nothing_under_v1_answers(stranger, app):
    for path, operations in app.openapi()["paths"].items():
        for method in operations:
            answer = await stranger.request(method, path.replace("{id}", "x"))
            if path not in PUBLIC:
                assert answer.status_code == 401, (method, path)
                assert answer.headers["WWW-Authenticate"] == "Bearer"
                assert answer.json()["type"] == "urn:heliograph:problem:denied"


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/nothing", "//v1/jobs", "/docs/../v1/jobs"])
async def test_also_addresses_that_do_not_exist_need_the_token(stranger, path):
    assert (await stranger.get(path)).status_code in (401, 404)
    assert "items" not in (await stranger.get(path)).text


@pytest.mark.parametrize(
    "credentials",
    ["Bearer wrong", "Bearer", f"Basic {TOKEN}", "Bearer \xff", f"Bearer {TOKEN}x", TOKEN],
)
async def test_a_wrong_token_is_refused(stranger, credentials):
    header = {"Authorization": credentials.encode("latin-1")}
    assert (await stranger.get("/v1/status", headers=header)).status_code == 401


async def test_a_rotated_token_counts_at_once(owner, home):
    assert (await owner.get("/v1/status")).status_code == 200
    home.token.write_text("another-token")
    assert (await owner.get("/v1/status")).status_code == 401
    owner.headers["Authorization"] = "Bearer another-token"
    assert (await owner.get("/v1/status")).status_code == 200


@pytest.mark.parametrize("spoil", [lambda t: t.unlink(), lambda t: t.chmod(0o644),
                                   lambda t: t.write_text("\n")])  # fmt: skip
async def test_a_token_that_proves_nothing_opens_nothing(owner, home, spoil):
    spoil(home.token)
    answer = await owner.get("/v1/status", headers={"Authorization": "Bearer "})
    assert answer.status_code == 500
    assert answer.json()["remedy"]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "evil:8420", "["])
async def test_a_name_that_is_not_ours_is_refused(owner, host):
    answer = await owner.get("/v1/status", headers={"Host": host})
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:heliograph:problem:foreign")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8420", "127.0.0.1:1", "[::1]:8420"])
async def test_the_names_of_this_machine_are_ours(owner, host):
    assert (await owner.get("/v1/status", headers={"Host": host})).status_code == 200


def test_configured_names_are_ours_and_every_address_is_not():
    names = host_names(ServeSettings(host="0.0.0.0", allowed_hosts=("house.lan",)))
    assert "house.lan" in names
    assert "0.0.0.0" not in names


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1:9999", "https://evil:8420", "", "http://["],
)
async def test_a_page_of_another_site_may_call_nothing(owner, origin):
    for method in ("GET", "POST"):
        answer = await owner.request(method, "/v1/jobs", json={}, headers={"Origin": origin})
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers


async def test_no_preflight_is_granted(owner):
    asks = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    answer = await owner.options("/v1/jobs", headers=asks)
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_a_form_sent_by_another_site_changes_nothing(owner, house):
    plain = {"Content-Type": "text/plain", "Sec-Fetch-Site": "cross-site"}
    answer = await owner.post("/v1/house/halt", content=b"{}", headers=plain)
    assert answer.status_code == 403
    assert (await house.desk.query("house.status", {}))["halted_at"] == 0


# -- the browser ---------------------------------------------------------------------------


@pytest.fixture
async def browser(stranger) -> httpx.AsyncClient:
    """A client with a session instead of the token, and its form key."""
    answer = await stranger.post("/login", json={"token": TOKEN}, headers=OWN)
    assert answer.status_code == 200
    stranger.headers[FORM_HEADER] = answer.json()["form_key"]
    return stranger


async def test_a_session_is_a_cookie_that_no_script_reads(stranger):
    answer = await stranger.post("/login", json={"token": TOKEN})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/" in cookie
    assert TOKEN not in cookie


async def test_a_session_may_look_and_change_with_its_form_key(browser):
    assert (await browser.get("/v1/status")).status_code == 200
    assert (await browser.post("/v1/house/pause", headers=OWN)).status_code == 200


@pytest.mark.parametrize("key", ["", "0" * 64])
async def test_a_session_changes_nothing_without_its_form_key(browser, house, key):
    answer = await browser.post("/v1/house/halt", headers={FORM_HEADER: key})
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:heliograph:problem:foreign")
    assert (await house.desk.query("house.status", {}))["halted_at"] == 0


async def test_a_page_learns_its_form_key_and_a_stranger_learns_nothing(browser):
    key = browser.headers.pop(FORM_HEADER)
    assert (await browser.get("/login")).json() == {"form_key": key}
    browser.cookies.clear()
    assert (await browser.get("/login")).json() == {"form_key": ""}


async def test_a_session_ends_with_its_time_a_rotation_or_a_logout(browser, home, app):
    auth = app.state.wiring.auth
    assert auth.cookie in browser.cookies
    home.token.write_text("another")
    assert (await browser.get("/v1/status")).status_code == 401
    home.token.write_text(TOKEN)
    assert (await browser.post("/logout")).status_code == 204
    assert (await browser.get("/v1/status")).status_code == 401
    old = issue(TOKEN, Purpose.SESSION, auth._clock.now() - 1, "n")
    browser.cookies.set(auth.cookie, old)
    assert (await browser.get("/v1/status")).status_code == 401


async def test_a_login_link_works_once(stranger, app):
    ends = app.state.wiring.clock.now() + us(60)
    ticket = issue(TOKEN, Purpose.LOGIN, ends, "n")
    assert (await stranger.post("/login", json={"ticket": ticket})).status_code == 200
    again = await stranger.post("/login", json={"ticket": ticket})
    assert (again.status_code, "used" in again.json()["detail"]) == (401, True)


@pytest.mark.parametrize("proof", [{}, {"token": "x"}, {"ticket": "x"}])
async def test_a_wrong_proof_is_refused(stranger, proof):
    answer = await stranger.post("/login", json=proof)
    assert answer.status_code in (400, 401)
    assert "set-cookie" not in answer.headers


async def test_a_proof_that_is_no_text_is_refused(stranger):
    headers = {"Content-Type": "application/json"}
    answer = await stranger.post("/login", content=b'{"token": "\\ud800"}', headers=headers)
    assert answer.status_code in (400, 401)


async def test_a_session_ticket_is_no_login_link_and_no_token(browser):
    ticket = browser.cookies[next(iter(browser.cookies))]
    browser.cookies.clear()
    assert (await browser.post("/login", json={"ticket": ticket})).status_code == 401
    assert (await browser.post("/login", json={"token": ticket})).status_code == 401
