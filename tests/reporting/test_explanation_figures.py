"""Pictures of explanations: valid and repeatable, nothing cropped, and the right pixels in the right place."""

import xml.etree.ElementTree as ET
from collections.abc import Callable

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from seefar.reporting import explanation_figures as pictures
from seefar.reporting.style import CLASSES, INK, RIGHT, STYLE, WRONG, svg

NASTY = ["<script>alert(1)</script>", "$\\alpha_", "a" * 200, "x & y"]
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
HEALTH = [
    {"layer": "stages.0.0", "filters": 10, "dead": [1], "duplicates": [[2, 3, 4]], "noisy": [4, 5]},
    {"layer": "stages.1.0", "filters": 20, "dead": [], "duplicates": [], "noisy": []},
]


def stage(name: str, channels: int, side: int, low: float = 0) -> dict[str, object]:
    kept = min(channels, 16)
    maps = RNG.uniform(low, 1234.5678, (kept, side, side)).astype(np.float32)
    return {"layer": name, "shape": (channels, side, side), "order": list(range(channels)), "maps": maps}


TITLE = "cifar10, run fast0: " + "what it looks at " * 8
LABELS = np.arange(60) % len(NASTY)


def overlays(title: str = TITLE) -> Figure:
    maps = {"grad-cam": IMAGES[..., 0] / 255, NASTY[2]: RNG.normal(0, 1, (5, 32, 32))}
    return pictures.overlays(IMAGES, maps, [*NASTY, "a long caption " * 20], title)


def path() -> Figure:
    stages = {"stages": [stage("stem.0", 24, 31), stage("stages.0", 5, 16, -1e3), stage(NASTY[0], 128, 3)]}
    return pictures.path(IMAGES[0], stages, [(name, 0.97 if not i else 1e-5) for i, name in enumerate(NASTY)], TITLE)


def neighbours() -> Figure:
    return pictures.neighbours([IMAGES, IMAGES[:3]], [[f"{name}\n0.98" for name in [*NASTY, "b"]], NASTY[:3]], TITLE)


FIGURES: dict[str, Callable[[], Figure]] = {
    "first": lambda: pictures.first_filters({"pixels": IMAGES[:, :3, :3], "order": [4, 2, 0, 1, 3], "scale": 1.5}, TITLE),
    "health": lambda: pictures.health(HEALTH, TITLE),
    "path": path,
    "exciting": lambda: pictures.exciting(dict.fromkeys(NASTY, IMAGES[:, :5, :5]), TITLE),
    "maximised": lambda: pictures.maximised(IMAGES, [*NASTY, "unit 4"], TITLE),
    "overlays": overlays,
    "one overlay": lambda: pictures.overlays(IMAGES[:1], {"occlusion": IMAGES[:1, ..., 0] / 255}, NASTY[:1], TITLE),
    "space": lambda: pictures.space(RNG.normal(size=(60, 2)), LABELS, LABELS != 2, NASTY, TITLE),
    "neighbours": neighbours,
}


@pytest.mark.parametrize("name", FIGURES)
def test_svg_is_valid_themed_and_repeatable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = []
    for _ in range(2):
        monkeypatch.setitem(globals(), "RNG", np.random.default_rng(1))
        texts.append(svg(FIGURES[name]()))
    root = ET.fromstring(texts[0])
    assert root.tag.endswith("svg")
    assert not [element for element in root.iter() if element.tag.endswith("script")]
    assert INK not in texts[0]
    assert texts[0] == texts[1]


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_is_cropped_and_no_words_lie_on_others(name: str) -> None:
    figure = FIGURES[name]()
    with mpl.rc_context(STYLE):
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        renderer = canvas.get_renderer()
        boxes = [
            text.get_window_extent(renderer)
            for text in figure.findobj(mpl.text.Text)
            if text.get_visible() and text.get_text().strip() and text.axes is None
        ]
        whole = figure.get_tightbbox(renderer)
    width, height = figure.get_size_inches()
    assert whole.x0 >= -0.01, name
    assert whole.y0 >= -0.01
    assert whole.x1 <= width + 0.01
    assert whole.y1 <= height + 0.01
    overlapping = [(a, b) for i, a in enumerate(boxes) for b in boxes[:i] if a.shrunk(0.9, 0.8).overlaps(b.shrunk(0.9, 0.8))]
    assert not overlapping


def test_a_caption_stands_in_the_picture_as_it_is() -> None:
    root = ET.fromstring(svg(overlays("$5 & more")))
    texts = {"".join(element.itertext()) for element in root.iter() if element.tag.endswith("text")}
    assert {"<script>alert(1)</script>", "$\\alpha_", "x & y"} <= texts
    assert root.get("aria-label") == "$5 & more"


def test_each_filter_counts_once_and_bars_are_full() -> None:
    figure = pictures.health(HEALTH, "filters")
    bars = [bar for bar in figure.axes[0].patches if bar.get_width() > 0]
    first = sorted((bar for bar in bars if bar.get_y() < 0), key=lambda bar: bar.get_x())
    # 10 filters: 1 dead, 3 and 4 repeat 2, of the noisy ones 4 is already counted
    assert [round(bar.get_width()) for bar in first] == [60, 20, 10, 10]
    assert [round(bar.get_width()) for bar in bars if bar.get_y() > 0] == [100]
    assert {"2 duplicate, 1 noisy, 1 dead", "all healthy"} <= {text.get_text() for text in figure.axes[0].texts}


def shown(figure: Figure) -> list[np.ndarray]:
    return [np.asarray(image.get_array()) for axes in figure.axes for image in axes.images]


def test_a_map_of_nothing_leaves_the_grey_image_and_signs_have_their_colours() -> None:
    one_sided, signed = np.zeros((1, 32, 32)), np.zeros((1, 32, 32))
    one_sided[0, 3, 4] = 1
    signed[0, 5, 6], signed[0, 7, 8] = -2, 2
    image, cam, other = shown(pictures.overlays(IMAGES[:1], {"cam": one_sided, "gradient": signed}, ["a"], "b"))
    assert np.array_equal(image, IMAGES[0])
    assert np.ptp(np.delete(cam.reshape(-1, 3), 3 * 32 + 4, axis=0), axis=1).max() == 0
    assert np.ptp(cam[3, 4].astype(int)) > 80  # orange
    assert np.array_equal(other[0, 0], cam[0, 0])
    for place, colour in (((5, 6), RIGHT), ((7, 8), WRONG)):
        grey = IMAGES[0][place] @ [0.299, 0.587, 0.114]
        expected = [0.2 * grey + 0.8 * 255 * part for part in to_rgba(colour)[:3]]
        assert other[place].tolist() == pytest.approx(expected, abs=2)


def test_maps_of_a_column_share_their_colours() -> None:
    maps = np.ones((2, 32, 32))
    maps[1] = 0.5
    grey = np.full((2, 32, 32, 3), 100, np.uint8)
    _, strong, _, weak = shown(pictures.overlays(grey, {"cam": maps}, ["a", "b"], "t"))
    assert (np.ptp(strong[0, 0].astype(int)), np.ptp(weak[0, 0].astype(int))) == (140, 70)


def test_maps_of_a_stage_share_a_scale_that_is_stated() -> None:
    found = {"stages": [stage("stages.0", 20, 4), stage("stages.1", 3, 2, low=-1200)]}
    figure = pictures.path(IMAGES[0], found, [("cat", 0.7), ("dog", 0.0001)], "t")
    limits = [image.get_clim() for axes in figure.axes for image in axes.images][1:]
    assert len(set(limits[:16])) == 1
    assert set(limits[17:20]) == {(-limits[17][1], limits[17][1])}  # zero in the middle
    words = {text.get_text() for text in figure.texts}
    assert {"16 strongest of", "20 maps", "all 3 maps", f"{limits[0][1]:.2g}"} <= words
    assert {"70.0 %", "< 0.1 %"} <= {text.get_text() for axes in figure.axes for text in axes.texts}


def test_ten_classes_have_ten_colours_and_ten_markers() -> None:
    assert len(set(CLASSES)) == len(set(pictures.MARKERS)) == 10
    twelve = [f"class {i}" for i in range(12)]
    figure = pictures.space(np.zeros((12, 2)), np.arange(12), np.ones(12, bool), twelve, "t")
    looks = [
        (tuple(points.get_facecolor()[0][:3]), points.get_paths()[0].vertices.tobytes())
        for points in figure.axes[0].collections
        if len(points.get_offsets()) and points.get_alpha()
    ]
    assert len(looks) == len(set(looks)) == 12
    assert [text.get_text() for text in figure.axes[0].texts] == twelve


def test_names_among_points_lie_apart() -> None:
    figure = pictures.space(np.zeros((12, 2)), np.arange(12), np.ones(12, bool), [f"class {i}" for i in range(12)], "t")
    places = np.array([text.get_position() for text in figure.axes[0].texts])
    assert len(np.unique(places.round(12), axis=0)) == 12
    names = [f"class {i}" for i in range(50)]
    assert not pictures.space(np.zeros((50, 2)), np.arange(50), np.ones(50, bool), names, "t").axes[0].texts  # too many
