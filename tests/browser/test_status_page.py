"""The status page in a real browser: it lives, it escapes, it halts, and it fits a phone."""

import shutil

import pytest

from engine.failures import Cause, Failure
from engine.outcomes import Failed
from tests.unit.serve.conftest import TOKEN

playwright = pytest.importorskip("playwright.async_api")

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
HOSTILE = "<img src=x onerror=document.title='owned'>\"'&"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")


@pytest.fixture
async def chromium():
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def look(chromium, url):
    """Open the page in a window of a size; what goes wrong in it is collected."""
    faults = []

    async def open_page(size, path="/"):
        context = await chromium.new_context(viewport=size)
        context.set_default_timeout(20_000)
        page = await context.new_page()
        page.on("pageerror", lambda fault: faults.append(str(fault)))
        page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        page.on("request", lambda asked: faults.append(asked.url)
                if not asked.url.startswith((url, "data:")) else None)  # fmt: skip
        await page.goto(url + path)
        return page

    yield open_page
    assert faults == []


async def enter(page):
    await page.fill("#token", TOKEN)
    await page.click("#login button")
    await page.wait_for_selector("#house:visible")


async def fits(page):
    return await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_the_page_shows_the_house_and_follows_it_live(look, house, size):
    page = await look(size)
    await enter(page)
    await page.wait_for_selector("text=Nothing runs.")
    job = await house.submit(name=HOSTILE, lane="P1")
    order = await house.ordered(job)
    row = page.locator(f'[data-job="{job}"]')
    await row.wait_for()
    assert await row.locator(".name").inner_text() == HOSTILE
    await house.tell(order, f"first\n{HOSTILE} of output\n")
    await row.locator(".tail", has_text="of output").wait_for()
    assert await row.locator(".tail").inner_text() == f"{HOSTILE} of output"
    assert await fits(page)
    failure = Failed(Failure(cause=Cause.TOOL, message=f"It ended badly: {HOSTILE}"))
    await house.end(order, failure)
    await page.locator("#recent", has_text="It ended badly").wait_for()
    await page.wait_for_selector("text=Nothing runs.")
    assert await page.locator("img[src=x]").count() == 0
    assert await page.title() == "Heliograph"


async def test_a_question_is_answered_with_one_tap(look, house):
    options = ["yes", HOSTILE, "a rather long option " * 8]
    page = await look(PHONE)
    await enter(page)
    job = await house.submit(wait={"ask": f"Publish {HOSTILE}?", "options": options})
    await page.locator(".card", has_text="Publish").wait_for()
    assert await page.title() == "(1) Heliograph"
    assert await fits(page)
    await page.locator(".card button").nth(1).click()
    await house.until(job, "succeeded")
    await page.locator("#decisions-panel").wait_for(state="hidden")
    (decision,) = (await house.desk.query("decision.list", {"state": "all"}))["items"]
    assert (decision["answer"], decision["answered_by"]) == (HOSTILE, "page")


async def test_halt_asks_first_and_then_holds(look, house):
    page = await look(DESK)
    await enter(page)
    await page.click("#halt")
    await page.click("text=Keep going")
    assert (await house.desk.query("house.status", {}))["halted_at"] == 0
    await page.click("#halt")
    await page.click("#sure-yes")
    await page.locator('#state[data-state="halted"]').wait_for()
    assert (await house.desk.query("house.status", {}))["halted_at"] > 0
    await page.click("#resume")
    await page.locator('#state[data-state="ready"]').wait_for()


async def test_a_session_outlives_a_reload_and_ends_with_log_out(look):
    page = await look(DESK)
    await enter(page)
    await page.reload()
    await page.wait_for_selector("#house:visible")
    await page.click("#leave")
    await page.wait_for_selector("#login:visible")
    await page.reload()
    await page.wait_for_selector("#login:visible")


async def test_the_documents_draw_themselves_and_submit_a_job(look, house):
    page = await look(DESK)
    await enter(page)
    await page.goto(page.url + "docs")
    submit = page.locator("#operations-jobs-submit_v1_jobs_post")
    await submit.locator(".opblock-summary").click()
    await submit.locator(".try-out__btn").click()
    await submit.locator("textarea").fill('{"run": ["true"], "name": "from the documents"}')
    await submit.locator(".execute").click()
    await submit.locator(".live-responses-table .response-col_status", has_text="201").wait_for()
    (job,) = (await house.desk.query("job.list", {}))["items"]
    assert job["name"] == "from the documents"
    assert await page.locator(".errors-wrapper").count() == 0
