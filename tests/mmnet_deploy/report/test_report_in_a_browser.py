"""The report in a browser: complete, quiet, sorted, and readable at any width."""

import base64
import importlib.util
import json
import re
import shutil
import tempfile

import pytest

from mmnet_deploy import report
from tests.support import report_results as made

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A headless Chromium that has the report open; skipped where there is none."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("needs Debian's chromium and chromium-driver")
    if not importlib.util.find_spec("selenium"):
        pytest.skip("needs selenium")
    from selenium import webdriver

    page = tmp_path_factory.mktemp("page") / "report.html"
    report.write(made.reading(made.everything()), page)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    # Not pytest's folder, whose path may be too long for the browser's sockets.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        opened = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        try:
            opened.get(page.as_uri())
            yield opened
        finally:
            opened.quit()


def _show(browser, width, scheme="light", media="screen"):
    """Turn the window into one of that width and taste."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})


def test_a_browser_opens_it_without_a_word(browser):
    """Neither an error nor a warning is on the console, and nothing but the page is loaded."""
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [e["params"] for e in events if e["method"] == "Network.requestWillBeSent"]
    # The browser's own first tab asks for things of the browser.
    urls = {params["request"]["url"] for params in asked if "file:" in params["documentURL"]}
    assert {url for url in urls if not url.startswith("data:")} == {browser.current_url}


def test_names_run_nothing_in_a_browser(browser):
    """The hostile name is text in the table and in the chart, and no dialog opens."""
    from selenium.common.exceptions import NoAlertPresentException

    with pytest.raises(NoAlertPresentException):
        browser.switch_to.alert.accept()
    cells = "return [...document.querySelectorAll('#results tbody th')].map(c => c.textContent)"
    assert made.HOSTILE in [cell.strip() for cell in browser.execute_script(cells)]
    chart = "return document.querySelector('.chart svg').textContent"
    assert "<script>alert(1)</script>" in browser.execute_script(chart)
    assert browser.execute_script("return document.querySelectorAll('script').length") == 1
    assert browser.execute_script("return document.querySelectorAll('img').length") == 0


def test_tables_sort_by_their_columns(browser):
    """Numbers by their value, both ways, what is unknown at the end; names as people count."""
    column = """
        const table = document.querySelector('#results table');
        const heads = [...table.tHead.rows[0].cells];
        const index = heads.findIndex((head) => head.textContent.startsWith(arguments[0]));
        for (let i = 0; i < arguments[1]; i++) heads[index].querySelector('button').click();
        const cells = [...table.tBodies[0].rows].map((row) => row.cells[index]);
        return [heads[index].ariaSort, cells.map((c) => c.dataset.value ?? c.textContent.trim())];
    """
    for name in ("Latency", "Memory", "Gradient"):
        for clicks, order in ((1, "ascending"), (1, "descending")):
            sort, values = browser.execute_script(column, name, clicks)
            assert sort == order
            known = [float(value) for value in values if value]
            assert known == sorted(known, reverse=order == "descending")
            assert values[len(known) :] == [""] * (len(values) - len(known))
    sort, names = browser.execute_script(column, "Model", 1)
    assert sort == "ascending"
    ours = [name.split()[0] for name in names if name.startswith("mmnet")]
    assert ours == sorted(ours) and len(set(ours)) > 3


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_the_page_never_scrolls_sideways(browser, width):
    """On a phone, wide tables and the chart scroll in their own boxes."""
    _show(browser, width)
    page, window = browser.execute_script(
        "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert page <= window <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_the_page(browser, scheme):
    """At least 4.5 to 1 (WCAG 2.1, AA) in both colour schemes, badges and captions included."""
    _show(browser, 1280, scheme)
    pairs = browser.execute_script("""
        const back = (e) => {
          for (; e; e = e.parentElement) {
            const c = getComputedStyle(e).backgroundColor;
            if (c !== 'rgba(0, 0, 0, 0)') return c;
          }
          return 'rgb(255, 255, 255)';
        };
        return [...document.querySelectorAll('p, dt, dd, td, th, .badge, figcaption, a, code')]
          .map((e) => [getComputedStyle(e).color, back(e)]);
    """)

    def luminance(colour):
        parts = [int(n) / 255 for n in re.findall(r"\d+", colour)[:3]]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for text, ground in {tuple(pair) for pair in pairs}:
        high, low = sorted((luminance(text), luminance(ground)), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, (text, ground)
    (dark,) = {luminance(p[1]) < 0.5 for p in pairs[:1]}
    assert dark == (scheme == "dark")


def test_it_prints_as_dark_on_light(browser):
    """Whatever the scheme on the screen; boxes do not cut off what is printed."""
    _show(browser, 1040, "dark", "print")
    colours = "const s = getComputedStyle(document.body); return [s.color, s.backgroundColor]"
    assert browser.execute_script(colours) == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    boxes = "return getComputedStyle(document.querySelector('.scroll')).overflowX"
    assert browser.execute_script(boxes) == "visible"
    widths = "const e = document.documentElement; return [e.scrollWidth, e.clientWidth]"
    page, paper = browser.execute_script(widths)
    assert page <= paper
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    assert base64.b64decode(printed["data"]).startswith(b"%PDF")
