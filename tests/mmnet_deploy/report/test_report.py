"""The report: complete without anything beside it, and safe whatever a name says."""

import html.parser
import re

import pytest

from android_benchmark import Measurement
from mmnet_deploy import report
from mmnet_deploy.report import plots, sections
from mmnet_deploy.results import store
from mmnet_deploy.results.records import Benchmark, Evaluation, PictureScore
from tests.support import report_results as made
from tests.support.report_results import reading
from tests.support.results import counted, with_constant


class _Page(html.parser.HTMLParser):
    """Elements with their attributes, and all text outside of style and script."""

    VOID = ("meta", "link", "br", "img")

    def __init__(self, page):
        super().__init__()
        self.elements, self.text, self.open, self.headings = [], [], [], []
        self.feed(page)
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.text.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


@pytest.fixture(scope="module")
def page():
    """The report of every kind of result."""
    skipped = ["cut.json: is not a result of mmnet-deploy, or is damaged."]
    return _Page(report.render(reading(made.everything(), skipped)))


# --- What it says ------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "Benchmarks 14, 1 invalid",
        "Skipped cut.json: is not a result",
        "1 emulated result left out",
        "mmnet-0.5-256-float32.tflite profiled",
        "no throttled: the highest frequency fell to 60 %; let it cool",
        "8.90 mean",
        "none (gpu asked for)",
        "The engine gives no samples: 120 runs from 8.00 to 12.0 ms",
        "enc0_expand",
        "kept in float",
        "the 12 worst of 30 layers",
        "25 operators",
        "Frequency governor: schedutil.",
        "Fastest core: 2.4 GHz at every reading.",
        "Not readable on this device: hottest sensor",
        "mmnet-deploy bench mmnet-1.4-256-float32.tflite --device 1A2B3C --threads 4 --delegate "
        "xnnpack --cores big --preset default --engine-binary tflbench -o results",
        "--delegate gpu",
        "--eval-size 800x600",
        "emulated: not a phone's times",
        "Build maker/p/p:14/A1",
        "mmnet-deploy 0.1.0, python 3.11.7",
        "at least 50 runs and 1 s",
        "mmnet-1.0-256-float16.tflite portraits/test",
    ],
)
def test_the_report_says(page, words):
    """Validity, fallbacks, layers, states and commands are all in it."""
    assert words in page.words


def test_the_report_says_what_a_matte_of_one_value_scores():
    """Where the evaluation knows it, with the number of pictures on which the model is better."""
    old = made.evaluation(made.model(0.5), 0.004)
    new = with_constant(made.evaluation(made.model(1.0), 0.003), gradient_error=0.0031)
    better = sum(score < 0.0031 for score in new.values("gradient_error"))
    found = _Page(report.render(reading([old, new, made.benchmark(new.model, 9000)])))
    words = found.words
    assert "horizontal one is the gradient error of a matte of one value, 3.100 ×10⁻³" in words
    assert any(
        "A matte of one value has 3.1e-3" in a.get("aria-label", "") for _, a in found.elements
    )
    assert f"3.000 3.100 {better} of 20 0.0120" in words
    assert "4.000 – – 0.0160" in words
    words = _Page(report.render(reading([old]))).words
    assert "4.000 0.0160" in words and words.count("Better on") == 1  # in the definitions


def test_what_files_computed_in_is_told_where_it_is_not_plain(page):
    """Of latencies and of counts, with what the core can do and what such a count does not say."""
    assert "Computes in" not in page.words
    half = made.benchmark(made.model(1.0, "float16"), 5000, computes_in="float16")
    count = counted(85, cpu_title="ARMv8.2 with fp16", computes_in="float16")
    words = _Page(report.render(reading([half, count]))).words
    assert words.count("Computes in") == 2 and words.count("eight values in float16") == 1
    assert "xnnpack float16 tflbench" in words and "ARMv8.2 with fp16 xnnpack float16 85" in words


def test_an_open_interval_is_told_in_words():
    """With the number of runs that close it; it sorts as what is unknown."""
    few = Measurement((), (5000.0, 5100.0, 5200.0))
    found = _Page(report.render(reading([made.benchmark(made.model(), 5000, measurement=few)])))
    assert "unbounded: 3 runs do not bound the median; 6 do" in found.words
    assert "inf" not in {a.get("data-value") for _, a in found.elements}


def test_of_results_that_differ_by_noise_one_is_in_the_summary():
    """Two files of one network with errors of 6.2518 and 6.2519: the faster one."""
    found = []
    for precision, latency_us, error in (
        ("float32", 9000, 6.2518e-3), ("int8", 5000, 6.2519e-3),
    ):  # fmt: skip
        file = made.model(1.0, precision)
        found += [made.evaluation(file, error), made.benchmark(file, latency_us)]
    (part,) = sections.build(reading(found)).trade_offs.fronts
    assert [point.label for point in part.points] == ["1.0 int8"]


def test_the_chart_is_a_part_of_the_page(page):
    """It is drawn inline, described in words, and what it needs is in it."""
    tags = [tag for tag, _ in page.elements]
    assert tags.count("svg") > 20
    (chart,) = [a for t, a in page.elements if t == "div" and a.get("class") == "card"]
    assert chart["role"] == "img"
    assert "On the Pareto front on" in chart["aria-label"]
    assert "MMNet 0.5 int8" in chart["aria-label"]


def test_the_page_can_be_read_without_seeing(page):
    """Headings descend one by one, headers have a scope, pictures and boxes a label."""
    assert page.headings[0] == 1 and page.headings.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(page.headings, page.headings[1:], strict=False))
    for tag, attributes in page.elements:
        if tag == "th":
            assert attributes["scope"] in ("row", "col")
        if tag == "svg":
            assert attributes.get("aria-label") or attributes.get("aria-hidden") == "true"
        if attributes.get("role") == "region":
            assert attributes["aria-label"] and attributes["tabindex"] == "0"
    (root,) = [a for t, a in page.elements if t == "html"]
    assert root["lang"] == "en"


def test_nothing_is_fetched(page):
    """No address leads out of the page, and its own policy forbids any."""
    for tag, attributes in page.elements:
        for name in ("src", "href", "xlink:href", "srcset", "action"):
            assert attributes.get(name, "#").startswith(("#", "data:")), (tag, attributes)
    assert not [tag for tag, _ in page.elements if tag in ("iframe", "object", "img", "form")]
    policy = next(
        a["content"] for t, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'")


def test_hostile_names_are_text(page):
    """A name is shown as it is: no element, no attribute and no template comes of it."""
    assert [tag for tag, _ in page.elements].count("script") == 1
    assert not [a for _, a in page.elements if any(name.startswith("on") for name in a)]
    assert made.HOSTILE in page.words
    assert made.HOSTILE_DEVICE in page.words


@pytest.mark.parametrize("name", ["\udcff\x00\x1b[31m\u202e.tflite", "\ud800", "a" * 5000, ""])
def test_names_that_are_no_text_do_not_break_the_page(name, tmp_path):
    """What cannot be printed is left out, and what is too long is shortened."""
    file = made.model(name=name, card=None)
    results = [made.benchmark(file, 5000), made.evaluation(file, 0.004)]
    path = report.write(reading(results), tmp_path / "report.html")
    text = path.read_text(encoding="utf-8")
    assert "\x1b" not in text and "\u202e" not in text and "\x00" not in text
    _Page(text)


def test_equal_results_give_equal_bytes():
    """Nothing of the day or the machine is in it."""
    assert report.render(reading(made.everything())) == report.render(reading(made.everything()))


# --- Parts that lack ---------------------------------------------------------


def test_benchmarks_alone_are_reported():
    """Without quality there is no chart, and the reason is said."""
    results = [r for r in made.everything() if isinstance(r, Benchmark)]
    words = _Page(report.render(reading(results))).words
    assert "No chart: No model file has both a latency and a gradient error." in words
    assert "Quality Model" not in words
    assert "mmnet-1.0-256-int8.tflite" in words


def test_evaluations_alone_are_reported():
    """Without latency neither."""
    results = [r for r in made.everything() if isinstance(r, Evaluation)]
    words = _Page(report.render(reading(results))).words
    assert "No chart" in words and "Benchmarks 0" in words
    assert "Latency distributions" not in words


def test_evaluations_that_are_not_comparable_are_listed():
    """Only the chart, which would compare them, is missing."""
    file = made.model()
    results = [
        made.benchmark(file, 5000),
        made.evaluation(file, 0.004),
        made.evaluation(made.model(0.5), 0.005, split="other"),
    ]
    words = _Page(report.render(reading(results))).words
    assert "No chart: The evaluations are not comparable" in words
    assert "portraits/other" in words


def test_only_emulated_results_are_marked():
    """Chart and tables say that they are no phone's."""
    file = made.model()
    results = [made.benchmark(file, 5000, device=made.EMULATED), made.evaluation(file, 0.004)]
    words = _Page(report.render(reading(results))).words
    assert "Emulated 1 of 1" in words
    assert "under emulation" in words
    assert "their times are not a phone's" in words


def test_many_results_stay_a_page_that_a_browser_opens():
    """Details are for the first ones; how many are left out is said."""
    file = made.model()
    results = [made.benchmark(file, 30_000, n % 30, threads=1 + n // 30) for n in range(90)] + [
        made.evaluation(file, 0.004)
    ]
    page = report.render(reading(results))
    assert len(page) < 2_000_000
    assert "The first 60 of 90 results." in _Page(page).words


# --- Small charts ------------------------------------------------------------


@pytest.mark.parametrize("samples", [[5.0], [5.0] * 60, [0.0] * 9, [1.0, 1e9], list(range(1, 99))])
def test_any_samples_can_be_drawn(samples):
    """One, equal ones, zeros, and a far outlier."""
    for drawn in (
        plots.histogram(samples, samples[0], "median"),
        plots.sequence(samples, samples[0]),
    ):
        assert "nan" not in drawn and "inf" not in drawn
        numbers = [float(n) for n in re.findall(r'(?:x|y|cx|cy)="([-\d.]+)"', drawn)]
        assert all(-1 <= number <= plots.WIDTH + 1 for number in numbers)


def test_an_outlier_does_not_squeeze_a_histogram():
    """It is counted at the end of the axis."""
    drawn = plots.histogram([1000.0 + n for n in range(99)] + [90_000.0], 1050, "median")
    assert "1.1 ms, 1 above" in drawn
    assert drawn.count("<rect") > 30


def test_qualities_without_a_gradient_error_stand_last():
    """Where other metrics were asked for, a dash stands in its place, and the chart says why."""
    file, other = made.model(), made.model(0.5)
    scores = (PictureScore("a", {"mad": 0.02, "sad": 3.0}),)
    lacking = made.evaluation(file, 0.004, pictures=scores)
    known = made.evaluation(other, 0.004, count=1)
    found = sections.build(reading([made.benchmark(file, 5000), lacking, known]))
    assert [e.model for e in found.evaluations] == [other, file]
    assert "has no gradient_error" in found.trade_offs.lacks
    assert "–" in report.render(reading([made.benchmark(file, 5000), lacking, known]))


# --- The command -------------------------------------------------------------


def test_the_command_writes_one_file(call, one_line, tmp_path):
    """Results of files and folders; another suffix is refused before anything is read."""
    for result in made.everything()[:4]:
        store.save(result, tmp_path / "results")
    (tmp_path / "results" / "cut.json").write_text("{")
    result = call("report", "results", "-o", "deep/report.html", "--title", "For <you>")
    assert result.exit_code == 0, result.output
    assert "The report of 4 results is deep/report.html." in result.stderr
    text = (tmp_path / "deep" / "report.html").read_text()
    assert "<title>For &lt;you&gt;</title>" in text
    assert "Skipped results/cut.json" in text
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["report.html"]
    one_line(call("report", "results", "-o", "report.pdf"), 2, "must end in .html")
    one_line(call("report", "nowhere", "-o", "a.html"), 1, "nowhere")
