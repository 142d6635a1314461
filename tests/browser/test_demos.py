"""The demos in a real browser: their numbers are torch's, and they work by pointer, keyboard and touch."""

from __future__ import annotations

import functools
import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
SLUGS = sorted(p.parent.name for p in (ROOT / "src" / "unrolled" / "papers").glob("*/demo.py"))
PLAYED = [
    slug for slug in SLUGS if "new Player" in (ROOT / "book" / "demos" / f"{slug}.js").read_text("utf-8")
]
POLICY = "default-src 'none'; connect-src 'self'; style-src 'self'; script-src 'self' 'wasm-unsafe-eval'"
LIVE = "() => ['live', 'failed'].includes(document.querySelector('.unrolled-demo').dataset.state)"
AT = "() => Number(document.querySelector('.demo-player input').value)"
REFUSED = """window.refused = [];
addEventListener("securitypolicyviolation", (event) => {
  refused.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
});"""
ADDED = "Bill went to the kitchen"
NUMBERS = (0, 1, 80, 100, 101, 1000, 1001, 80_001, 200_000, 1_000_000, 21_000_471, 100_000_100, 999_999_999)


def opened(visit: Any, slug: str, **look: Any) -> Any:
    """The page of a chapter, with its demo in sight."""
    seen = visit(**look)
    page = seen.go(f"notebooks/{slug}.html")
    page.locator(".unrolled-demo .demo-stage").scroll_into_view_if_needed()
    seen.said.clear()  # what pages say when they open is the matter of test_pages
    return seen


def live(page: Any) -> None:
    """Wait until the model has run."""
    page.wait_for_function(LIVE, timeout=60_000)
    state = page.locator(".unrolled-demo").get_attribute("data-state")
    assert state == "live", page.locator(".demo-note").inner_text()


def choose(page: Any, value: str, selector: str) -> None:
    """Set an input, as a reader who lets go of it."""
    page.locator(selector).evaluate(
        "(e, value) => { e.value = value; e.dispatchEvent(new Event('change', { bubbles: true })); }", value
    )


@functools.cache
def demo(slug: str) -> Any:
    """The demo as Python knows it."""
    return import_module(f"unrolled.papers.{slug}.demo").demo()


def close(found: list[float], wanted: torch.Tensor, atol: float = 1e-5) -> None:
    """Numbers of the browser and of torch, to 1e-5 (of large ones, relatively)."""
    torch.testing.assert_close(
        torch.tensor(found, dtype=wanted.dtype).view_as(wanted), wanted, atol=atol, rtol=1e-5
    )


MACHINE = """() => {
  const { vectors, trace } = document.querySelector(".unrolled-demo").demo;
  const numbers = (step) => Object.fromEntries(Object.entries(step).map(([name, of]) => [name, [...of]]));
  return { vectors, trace: trace.map(numbers) };
}"""
TRANSLATOR = """() => {
  const { source, right, trace } = document.querySelector(".unrolled-demo").demo;
  const all = (name) => trace.flatMap((step) => [...step[name]]);
  return { source, right, alpha: all("alpha"), probabilities: all("probabilities") };
}"""
READER = """() => {
  const { story, question, variant, hops, scores } = document.querySelector(".unrolled-demo").demo;
  const found = hops.map((hop) => ({ scores: [...hop.scores], picked: hop.picked }));
  return { story, question, variant, hops: found, scores: [...scores] };
}"""
COUNTER = """() => {
  const { language, rounded, text, wanted, trace } = document.querySelector(".unrolled-demo").demo;
  const numbers = (step) => Object.fromEntries(Object.entries(step).map(([name, of]) => [name, [...of]]));
  return { language, rounded, text, due: wanted.map((due) => due ?? ""), trace: trace.map(numbers) };
}"""
COMPLETIONS = """() => {
  const { column, pixels, z } = document.querySelector(".unrolled-demo").demo;
  return { column: [...column], pixels: [...pixels], z: [...z] };
}"""
SHOWS = """([number, language]) => {
  const { demo } = document.querySelector(".unrolled-demo");
  return demo.number === number && demo.language === language;
}"""


@pytest.mark.parametrize("count", [3, 40])
def test_the_machine_computes_what_torch_computes(visit, count: int) -> None:
    from unrolled.papers.ntm.demo import episode

    seen = opened(visit, "ntm")
    choose(seen.page, str(count), "#ntm-count")
    live(seen.page)
    found = seen.page.evaluate(MACHINE)
    assert len(found["vectors"]) == count
    assert len(found["trace"]) == 2 * count + 1
    step, first = demo("ntm").graphs["step"], demo("ntm").live["state"]
    x, state = episode(tuple(found["vectors"])), first
    for x_t, shown in zip(x, found["trace"], strict=True):  # each step from the state that the browser was in
        for name, values in step(x=x_t.unsqueeze(0), **state).items():
            close(shown[name], values)
        state = {name: torch.tensor(shown[name]).view_as(part) for name, part in state.items()}
    whole = step.unrolled(first, x=x)  # rounding grows over the steps, and no further than this
    for name in ("output", "weighting"):
        close([number for shown in found["trace"] for number in shown[name]], whole[name], atol=1e-4)
    assert seen.outside == []
    assert seen.said == []


@pytest.mark.parametrize("language", ["de", "fr"])
def test_the_translator_computes_what_torch_computes(visit, language: str) -> None:
    from unrolled.data import spelled
    from unrolled.papers.bahdanau_attention.demo import translate
    from unrolled.papers.bahdanau_attention.experiment import RNNsearchExperiment as Experiment
    from unrolled.training.presets import preset

    graphs = demo("bahdanau_attention").graphs
    parts = graphs[f"{language}-read"], graphs[f"{language}-write"]
    english, _ = Experiment(preset(Experiment, "live").config, 0).vocabularies
    seen = opened(visit, "bahdanau_attention")
    page = seen.page
    page.get_by_label({"de": "German", "fr": "French"}[language]).check()
    for number in NUMBERS:
        choose(page, str(number), "#align-number")
        page.wait_for_function(SHOWS, arg=[number, language], timeout=60_000)
        live(page)
        found = page.evaluate(TRANSLATOR)
        assert found["source"][:-1] == spelled.words(number, "en")
        assert found["right"] == " ".join(spelled.words(number, language))
        alpha, probabilities = translate(parts, english, number)
        close(found["alpha"], alpha)
        close(found["probabilities"], probabilities)
    assert seen.outside == []
    assert seen.said == []


@pytest.mark.parametrize("variant", ["two", "one", "timeless"])
def test_the_reader_of_stories_computes_what_torch_computes(visit, variant: str) -> None:
    from unrolled.papers.memory_networks.demo import QUESTIONS, ask

    described = demo("memory_networks")
    parts = tuple(described.graphs[f"{variant}-{part}"] for part in ("hop", "respond"))
    seen = opened(visit, "memory_networks")
    page = seen.page
    page.locator(f".story-variants input[value={variant}]").check()
    if variant != "two":  # which it is at the start
        live(page)
    page.get_by_role("button", name="Add").click()
    live(page)
    page.locator(".story-remove").nth(2).click()
    live(page)
    for question in QUESTIONS[::3]:
        choose(page, question, "#story-question")
        page.wait_for_function(
            "(asked) => document.querySelector('.unrolled-demo').demo.question === asked", arg=question
        )
        live(page)
        found = page.evaluate(READER)
        assert found["variant"] == variant
        assert found["story"] == [*described.trace["story"][:2], *described.trace["story"][3:], ADDED]
        hops = described.settings["variants"][variant]["hops"]
        wanted = ask(parts, described.settings["words"], found["story"], question, hops)
        assert [hop["picked"] for hop in found["hops"]] == wanted["picked"].tolist()
        close([number for hop in found["hops"] for number in hop["scores"]], wanted["scores"])
        close(found["scores"], wanted["answer"])


@pytest.mark.parametrize("rounded", [False, True])
@pytest.mark.parametrize(
    ("language", "typed", "due"),
    [
        ("anbncn", "aabbccab", "   bcca c"),
        ("anbncn", "aabc", "   b"),  # the text leaves the language: from there on nothing is due
        ("anbmcnm", "abbcccabc", "    cca  c"),
        ("anb2n", "aabbbbabb", "   bbba ba"),
    ],
)
def test_the_counter_computes_what_torch_computes(
    visit, language: str, typed: str, due: str, rounded: bool
) -> None:
    from unrolled.papers.stack_rnn.demo import encode, text

    seen = opened(visit, "stack_rnn")
    page = seen.page
    graph = demo("stack_rnn").graphs[f"{language}-{'rounded' if rounded else 'soft'}"]
    if rounded:  # the stored state is soft, and of the first language
        page.locator("#stack-round").check()
        live(page)
    if language != "anbncn":
        page.locator(f".stack-choices input[value={language}]").check()
        live(page)
    for string in (text(language, 9), typed):
        choose(page, string, "#stack-text")
        page.wait_for_function(
            "(typed) => document.querySelector('.unrolled-demo').demo.text === typed", arg=string
        )
        live(page)
        found = page.evaluate(COUNTER)
        assert (found["language"], found["rounded"]) == (language, rounded)
        stacks = demo("stack_rnn").live["stacks"]
        for x, shown in zip(encode(language, string), found["trace"], strict=True):
            for name, values in graph(x=x.unsqueeze(0), stacks=stacks).items():
                close(shown[name], values)
            stacks = torch.tensor(shown["stacks"], dtype=stacks.dtype).view_as(stacks)
    assert "".join(one or " " for one in found["due"]).rstrip() == due
    assert seen.outside == []
    assert seen.said == []


def test_completions_are_what_torch_computes(visit) -> None:
    graph = demo("vae_tutorial").graphs["step"]
    seen = opened(visit, "vae_tutorial")
    page = seen.page
    for press in ("Draw six others", "Draw six others"):
        page.get_by_role("button", name=press).click()
        live(page)
    found = page.evaluate(COMPLETIONS)
    x, z = torch.tensor([found["column"]], dtype=torch.float32), torch.tensor(found["z"]).view(64, -1)
    close(found["pixels"], graph(x=x, z=z)["pixels"])
    assert seen.outside == []
    assert seen.said == []


@pytest.mark.parametrize("slug", PLAYED)
def test_the_stored_state_plays_and_is_stepped_before_anything_is_loaded(visit, slug: str) -> None:
    seen = visit()
    loaded: list[str] = []
    seen.page.on("request", lambda request: loaded.append(request.url))
    page = seen.go(f"notebooks/{slug}.html")
    player = page.locator(".demo-player")
    start = page.evaluate(AT)
    player.get_by_label("One step back").click()
    assert page.evaluate(AT) == start - 1
    player.get_by_label("Play").click()
    page.wait_for_function(f"() => ({AT})() > {start}")
    player.get_by_label("Pause").click()
    stopped = page.evaluate(AT)
    page.wait_for_timeout(900)
    assert page.evaluate(AT) == stopped
    assert page.locator(".unrolled-demo").get_attribute("data-state") == "stored"
    assert not [url for url in loaded if "/ort/" in url or url.endswith((".onnx", "live.json"))]


@pytest.mark.parametrize("slug", PLAYED)
def test_the_player_answers_to_the_keyboard(visit, slug: str) -> None:
    page = opened(visit, slug).page
    page.locator(".demo-player input").focus()
    page.keyboard.press("Home")
    assert page.evaluate(AT) == 0
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(AT) == 1
    assert "2 of" in page.locator(".demo-at").inner_text()
    page.keyboard.press("Space")
    page.wait_for_function(f"() => ({AT})() > 1")
    page.keyboard.press("Space")
    assert page.locator(".demo-play").get_attribute("aria-label") == "Play"
    page.keyboard.press("End")
    assert page.evaluate(AT) == int(page.locator(".demo-player input").get_attribute("max"))


def test_bits_are_drawn_by_pointer_and_by_keyboard(visit) -> None:
    page = opened(visit, "ntm").page
    vectors = "() => document.querySelector('.unrolled-demo').demo.vectors"
    before = page.evaluate(vectors)
    box = page.locator(".ntm-bits").bounding_box()
    width, height = box["width"] / (2 * len(before) + 1), box["height"] / 8
    page.mouse.move(box["x"] + 0.5 * width, box["y"] + 0.5 * height)  # the first bit of the first vector
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * width, box["y"] + 7.5 * height, steps=12)
    page.mouse.up()
    live(page)
    changed = page.evaluate(vectors)
    assert changed[0] == 255 * (1 - (before[0] >> 7))  # the whole vector is like the bit that was begun with
    assert changed[1:] == before[1:]
    page.locator(".ntm-bits").focus()
    for key in ("ArrowRight", "ArrowUp", "Space"):
        page.keyboard.press(key)
    page.wait_for_function(
        "(old) => document.querySelector('.unrolled-demo').demo.vectors[1] !== old", arg=before[1]
    )
    live(page)
    assert page.evaluate(vectors)[1] ^ before[1] in (1, 2)
    assert re.match(r"Vector 2, bit \d: [01]|", page.locator(".demo-note").inner_text())


def test_a_word_shows_its_weights_by_pointer_and_by_keyboard(visit) -> None:
    page = opened(visit, "bahdanau_attention").page
    told = page.locator(".align-word")
    page.locator(".align-table tbody th button").nth(4).hover()
    word = page.locator(".align-table tbody th button").nth(4).inner_text()
    assert told.locator("strong").inner_text() == word
    assert page.evaluate(AT) == 4
    page.locator(".align-table thead th button").nth(3).focus()
    assert (
        told.locator("strong").inner_text()
        == page.locator(".align-table thead th button").nth(3).inner_text()
    )
    assert "was read by" in told.inner_text()
    page.locator(".align-table tbody tr").nth(1).locator("td").nth(2).hover()
    assert page.evaluate(AT) == 1


def test_a_touch_draws_bits_and_chooses_words(browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(address + "notebooks/ntm.html")
    page.locator(".ntm-bits").scroll_into_view_if_needed()
    before = page.evaluate("() => document.querySelector('.unrolled-demo').demo.vectors[0]")
    page.locator(".ntm-bits").tap(position={"x": 4, "y": 4})
    live(page)
    assert page.evaluate("() => document.querySelector('.unrolled-demo').demo.vectors[0]") == before ^ 128
    page.goto(address + "notebooks/bahdanau_attention.html")
    button = page.locator(".align-table tbody th button").nth(3)
    button.tap()
    assert page.locator(".align-word strong").inner_text() == button.inner_text()
    context.close()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("slug", SLUGS)
def test_nothing_moves_when_scripts_take_over_or_the_input_changes(
    browser, address: str, slug: str, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    page.route("**/_static/demos/*.js*", lambda route: route.abort())
    page.goto(f"{address}notebooks/{slug}.html")
    still = page.locator(".unrolled-demo").bounding_box()["height"]
    stage = page.locator(".demo-stage").bounding_box()["height"]
    page.unroute("**/_static/demos/*.js*")
    page.reload()
    assert page.locator(".unrolled-demo").get_attribute("data-state") == "stored"
    for prompt in range(page.locator("button.demo-try").count()):
        if prompt:
            page.locator("button.demo-try").nth(prompt).click()
            live(page)
        assert abs(page.locator(".unrolled-demo").bounding_box()["height"] - still) < 1, prompt
        assert abs(page.locator(".demo-stage").bounding_box()["height"] - stage) < 1, prompt
        for part in (".demo-readout", ".demo-stage", ".demo-controls"):
            inside = page.locator(part).evaluate(
                "e => [e.scrollHeight - e.clientHeight, e.scrollWidth - e.clientWidth]"
            )
            assert max(inside) <= 1, (part, prompt, inside)
    context.close()


@pytest.mark.parametrize("slug", PLAYED)
def test_under_reduced_motion_nothing_plays(browser, address: str, slug: str) -> None:
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{address}notebooks/{slug}.html")
    assert page.locator(".demo-play").is_hidden()
    page.locator("button.demo-try").first.click()
    end = page.evaluate(AT)
    assert end == int(page.locator(".demo-player input").get_attribute("max"))
    page.locator(".demo-player input").focus()
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    page.wait_for_timeout(600)
    assert page.evaluate(AT) == 0
    assert (
        page.evaluate(
            "() => document.querySelector('.unrolled-demo').getAnimations({ subtree: true }).length"
        )
        == 0
    )
    context.close()


@pytest.mark.parametrize("slug", SLUGS)
def test_without_scripts_there_is_a_still_picture(browser, address: str, slug: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}notebooks/{slug}.html")
    described = demo(slug)
    panel = page.locator(".unrolled-demo")
    assert panel.locator(".demo-stage").bounding_box()["height"] > (200 if slug in PLAYED else 100)
    assert panel.locator(".demo-stage :is(path, td[class*=demo-w])").count() > 20
    assert described.caption in panel.inner_text()
    assert all(prompt.notice in panel.inner_text() for prompt in described.prompts)
    assert panel.locator("button, input").count() == 0
    assert "stands still" in panel.inner_text()
    context.close()


@pytest.mark.parametrize("slug", SLUGS)
def test_from_a_folder_the_stored_state_plays_and_a_line_says_what_is_missing(
    browser, book, slug: str
) -> None:
    page = browser.new_page()
    page.goto((book.folder / "notebooks" / f"{slug}.html").as_uri())
    if slug in PLAYED:
        page.locator(".demo-player").get_by_label("One step back").click()
        page.locator(".demo-player").get_by_label("Play").click()
    assert "serve the book" in page.locator(".demo-note").inner_text()
    assert page.locator(".demo-controls :is(input, button)").first.is_disabled()
    assert page.locator("button.demo-try").first.is_enabled()
    assert page.locator("button.demo-try").last.is_disabled()
    page.close()


@pytest.mark.parametrize("slug", SLUGS)
def test_a_strict_policy_lets_the_demo_run(browser, address: str, book, slug: str) -> None:
    html = (book.folder / "notebooks" / f"{slug}.html").read_text(encoding="utf-8")
    start = html.index('<div class="unrolled-demo')
    panel = html[start : html.index("</script>\n</div>", start) + len("</script>\n</div>")]
    styles = "".join(
        f'<link rel="stylesheet" href="../_static/{name}.css">' for name in ("unrolled", "demos")
    )
    body = f'<!doctype html><html lang="en" data-theme="light"><title>demo</title>{styles}<body>{panel}'
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": POLICY}
    context = browser.new_context(reduced_motion="reduce")
    context.add_init_script(REFUSED)
    page = context.new_page()
    page.route("**/notebooks/strict.html", lambda route: route.fulfill(body=body, headers=headers))
    page.goto(f"{address}notebooks/strict.html")
    page.locator("button.demo-try").last.click()
    live(page)
    assert page.evaluate("() => refused") == []
    context.close()


@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]
)
@pytest.mark.parametrize("slug", SLUGS)
def test_the_demo_is_open_to_everyone(visit, axe, slug: str, width: int, scheme: str) -> None:
    page = opened(visit, slug, width=width, scheme=scheme).page
    page.locator("button.demo-try").last.click()
    live(page)
    if slug in PLAYED:
        page.locator(".demo-player input").focus()
        page.keyboard.press("End")
    page.evaluate(axe)
    found = page.evaluate("() => axe.run('.unrolled-demo', { resultTypes: ['violations'] })")["violations"]
    assert [f"{v['id']}: {json.dumps(v['nodes'][0]['html'])[:160]}" for v in found] == []


@pytest.mark.parametrize("slug", SLUGS)
def test_a_runtime_that_cannot_be_loaded_is_told_and_the_stored_state_stays(
    browser, address: str, slug: str
) -> None:
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.route("**/ort.wasm.min.js", lambda route: route.abort())
    page.goto(f"{address}notebooks/{slug}.html")
    page.locator("button.demo-try").nth(1).click()
    page.wait_for_function(LIVE)
    assert "could not run" in page.locator(".demo-note").inner_text()
    if slug in PLAYED:
        page.locator(".demo-player").get_by_label("One step back").click()
    page.unroute("**/ort.wasm.min.js")
    page.locator("button.demo-try").nth(1).click()
    page.wait_for_function(
        "() => document.querySelector('.unrolled-demo').dataset.state === 'live'", timeout=60_000
    )
    context.close()
