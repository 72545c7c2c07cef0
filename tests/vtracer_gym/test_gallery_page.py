from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

from vtracer_gym.gallery_page import ComparedLogo, gallery_page, summary_sentence
from vtracer_gym.pipeline import Settings

FIGURES = (False, 250, 0.99, 1000, 0.95, Settings())
LOGO = ComparedLogo("text/acme.svg", "gallery/acme.png", "gallery/acme.defaults.svg", 256, 128, *FIGURES)
WORSE = replace(LOGO, name="<b>&.svg", size_bytes=1000, quality=0.90, is_dark=True)


class Elements(HTMLParser):
    """Collects the elements of a page, and checks that they are closed in order."""

    VOID = frozenset({"meta", "img", "input"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def test_the_summary_names_ratio_and_difference() -> None:
    """The sentence has the geometric mean of the byte ratios and the mean SSIM difference."""
    said = summary_sentence([LOGO, WORSE])

    assert "0.500 of the bytes (geometric mean), SSIM -0.0050, worse on 1 of 2 logos" in said
    assert said.startswith("2 logos: 1.2 kB, mean SSIM 0.9450.")


def test_without_a_comparison() -> None:
    """Without a comparison, the sentence has sizes and SSIM only."""
    assert summary_sentence([replace(LOGO, default_bytes=None, default_quality=None)]) == (
        "1 logo: 250 B, mean SSIM 0.9900."
    )


def test_a_page_needs_no_script_and_no_network() -> None:
    """The page is well-formed and refers to its own folder only."""
    elements = Elements(gallery_page([LOGO, WORSE]))
    places = [str(one.get("src") or one.get("href")) for one in elements.named("img") + elements.named("a")]

    assert elements.open == []
    assert elements.named("script") == elements.named("link") == []
    assert not [place for place in places if ":" in place or place.startswith("/")]
    assert all(image["loading"] == "lazy" for image in elements.named("img"))


def test_every_logo_can_be_enlarged() -> None:
    """Each button opens a window of the page."""
    elements = Elements(gallery_page([LOGO, WORSE]))
    targets = {one["popovertarget"] for one in elements.named("button")}

    assert targets == {one["id"] for one in elements.named("div") if "popover" in one} == {"zoom-0", "zoom-1"}


def test_the_worst_logos_are_linked() -> None:
    """The logo with the lowest SSIM difference is linked first, and its name is escaped."""
    page = gallery_page([LOGO, WORSE])

    assert page.index('<a href="#logo-1">&lt;b&gt;&amp;</a> (-0.0500)') < page.index('<a href="#logo-0">text/acme</a>')
    assert "<b>&.svg" not in page


def test_failures_are_listed() -> None:
    """Images that could not be converted are listed with the reason."""
    assert "<li>a.png: the image is too small</li>" in gallery_page([LOGO], ["a.png: the image is too small"])


def test_settings_are_shown() -> None:
    """Each logo has all settings of its drawing."""
    page = gallery_page([LOGO])

    assert all(f"<span>{name} <b>{value:g}</b></span>" in page for name, value in Settings().as_dict().items())
