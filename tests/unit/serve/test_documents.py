"""The description of `/v1` is complete, and its pages need nothing from outside."""

import re
from html.parser import HTMLParser

import pytest

from engine.events import EventKind
from serve.api.openapi import for_swagger_ui
from serve.pages.routes import _FILES

OPERATIONS = ("get", "post", "put", "patch", "delete")
# What never is an address to load: names of XML dialects.
NAMES = re.compile(r"http://www\.w3\.org/[\w/]+")


@pytest.fixture
def document(app):
    return app.openapi()


def refs(part):
    if isinstance(part, dict):
        yield from ([part["$ref"]] if isinstance(part.get("$ref"), str) else [])
        for value in part.values():
            yield from refs(value)
    elif isinstance(part, list):
        for value in part:
            yield from refs(value)


def at(document, ref):
    for name in ref.removeprefix("#/").split("/"):
        document = document[name]
    return document


def test_every_route_is_described_with_its_answer_and_its_refusal(document):
    assert len(document["paths"]) > 25
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert method in OPERATIONS
            assert operation["description"], path
            assert operation["responses"]["default"] == {"$ref": "#/components/responses/Problem"}
            assert "422" not in operation["responses"]
            good = [one for code, one in operation["responses"].items() if code.startswith("2")]
            if path.startswith("/v1") and "204" not in operation["responses"]:
                (body, *_) = good[0]["content"].values()
                assert body["schema"], (method, path)


def test_every_change_has_an_example_of_what_to_send(document):
    schemas = document["components"]["schemas"]
    for path, operations in document["paths"].items():
        body = operations.get("post", {}).get("requestBody")
        if body is None:
            continue
        content = body["content"]["application/json"]
        shown = "examples" in content or '"examples"' in str(content).replace("'", '"')
        for ref in refs(content):
            shown = shown or "example" in str(schemas[ref.rpartition("/")[2]])
        optional = not body.get("required") or path == "/login"
        assert shown or optional, path


@pytest.mark.parametrize("dialect", [lambda document: document, for_swagger_ui])
def test_every_reference_leads_somewhere(document, dialect):
    spoken = dialect(document)
    for ref in refs(spoken):
        assert at(spoken, ref)


def test_a_job_request_takes_its_lane_by_name(document):
    lane = document["components"]["schemas"]["JobRequest"]["properties"]["lane"]
    assert (lane["type"], "P2" in lane["enum"], 2 in lane["enum"]) == ("string", True, False)


def test_only_what_is_public_needs_no_token(document):
    assert document["security"] == [{"token": []}]
    open_paths = {
        path
        for path, operations in document["paths"].items()
        if any(operation.get("security") == [] for operation in operations.values())
    }
    assert not [path for path in open_paths if path.startswith("/v1")]


def test_the_older_dialect_has_none_of_the_newer_words(document):
    older = for_swagger_ui(document)
    assert older["openapi"] == "3.0.3"

    def look(part):
        if isinstance(part, dict):
            assert part.get("type") != "null"
            assert not isinstance(part.get("examples"), list)
            assert "const" not in part or isinstance(part["const"], dict)
            for value in part.values():
                look(value)
        elif isinstance(part, list):
            for value in part:
                look(value)

    look(older)


class Assets(HTMLParser):
    """Everything that a page loads, and everything that a policy would forbid."""

    def __init__(self):
        super().__init__()
        self.urls: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag in ("script", "img") and "src" in given:
            self.urls.append(given["src"])
        elif tag == "script":
            self.inline.append(tag)
        elif tag == "link":
            self.urls.append(given["href"])
        if tag == "style":
            self.inline.append(tag)
        self.inline += [name for name in given if name == "style" or name.startswith("on")]


@pytest.mark.parametrize("page", ["/", "/docs"])
async def test_a_page_loads_only_from_this_house_and_under_the_policy(stranger, page):
    answer = await stranger.get(page)
    assert answer.headers["content-type"].startswith("text/html")
    found = Assets()
    found.feed(answer.text)
    assert found.inline == []
    assert found.urls
    seen = set()
    while found.urls:
        url = found.urls.pop()
        assert url.startswith("/"), url
        asset = await stranger.get(url)
        assert asset.status_code == 200, url
        seen.add(url)
        if "swagger-ui" not in url:
            assert not re.search(r"https?://", NAMES.sub("", asset.text)), url
            imported = re.findall(r'from "\./([\w.]+)"', asset.text)
            found.urls += [f"/static/{name}" for name in imported if f"/static/{name}" not in seen]
        if url.endswith(".css"):
            assert not re.search(r"url\((?!['\"]?data:)|@import", asset.text), url


async def test_the_description_is_there_without_a_token_in_both_dialects(stranger):
    assert (await stranger.get("/openapi.json")).json()["openapi"].startswith("3.1")
    assert (await stranger.get("/docs/openapi.json")).json()["openapi"] == "3.0.3"


@pytest.mark.parametrize(
    "path",
    ["/docs/index.html", "/docs/swagger-initializer.js", "/static/../routes.py", "/static/",
     "/docs/oauth2-redirect.html", "/static/%2e%2e/routes.py"],
)  # fmt: skip
async def test_no_other_file_is_served(stranger, path):
    assert (await stranger.get(path)).status_code in (401, 404)


async def test_a_file_that_the_browser_has_is_not_sent_again(stranger):
    first = await stranger.get("/static/house.css")
    same = await stranger.get("/static/house.css", headers={"If-None-Match": first.headers["etag"]})
    assert (same.status_code, first.headers["cache-control"]) == (304, "no-cache")


def test_scripts_make_no_markup_out_of_text():
    for script in _FILES.glob("*.js"):
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(",
                             script.read_text()), script.name  # fmt: skip


def test_the_page_needs_no_list_of_event_kinds():
    text = (_FILES / "house.js").read_text()
    assert not [kind for kind in EventKind if f'"{kind}"' in text]
