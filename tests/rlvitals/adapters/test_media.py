"""Images, videos and histograms of training loops."""

import io
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch

from rlvitals.adapters.media import array_of, distribution_of, distribution_of_bins, gif_of, with_channels_last
from rlvitals.errors import RecordError


@pytest.mark.parametrize(
    ("order", "shape", "wanted"),
    [
        ("CHW", (3, 4, 5), (4, 5, 3)),
        ("HWC", (4, 5, 3), (4, 5, 3)),
        ("HW", (4, 5), (4, 5)),
        ("NCHW", (2, 3, 4, 5), (4, 10, 3)),
        ("nhwc", (2, 4, 5, 3), (4, 10, 3)),
    ],
)
def test_the_channels_of_an_image_come_last(order: str, shape: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    """Several images are put next to each other."""
    assert with_channels_last(np.zeros(shape), order).shape == wanted


def test_each_pixel_stays_where_it_is() -> None:
    image = np.arange(24).reshape(3, 2, 4)

    assert with_channels_last(torch.tensor(image))[1, 3].tolist() == image[:, 1, 3].tolist()


def test_an_image_of_another_shape_is_an_error() -> None:
    with pytest.raises(RecordError, match=r"3 dimensions CHW, got shape \(2,\)"):
        with_channels_last(np.zeros(2))


def test_a_tensor_that_needs_gradients_is_an_array() -> None:
    assert array_of(torch.ones(2, requires_grad=True)).tolist() == [1.0, 1.0]


def test_a_value_without_numbers_is_an_error() -> None:
    with pytest.raises(RecordError, match="must be an array of numbers, got str"):
        array_of("picture")


@pytest.mark.parametrize("shape", [(1, 6, 3, 8, 10), (6, 3, 8, 10), (6, 1, 8, 10)])
def test_a_video_is_an_animated_image(shape: tuple[int, ...]) -> None:
    """It has all frames at the given speed."""
    rng = np.random.default_rng(0)
    image = PIL.Image.open(io.BytesIO(gif_of(rng.random(shape), frames_per_second=5.0)))

    assert (image.size, getattr(image, "n_frames", 1), image.info["duration"]) == ((10, 8), 6, 200)


def test_a_long_video_keeps_its_duration() -> None:
    frames = np.random.default_rng(0).random((400, 1, 4, 4))
    image: Any = PIL.Image.open(io.BytesIO(gif_of(frames, frames_per_second=10.0)))

    assert (image.n_frames, image.info["duration"]) == (200, 200)


def test_a_distribution_ignores_and_counts_non_finite_values() -> None:
    found = distribution_of([1.0, 2.0, 3.0, float("nan"), float("inf")])

    assert (found["count"], found["not_finite"], found["mean"], found["median"]) == (5.0, 2.0, 2.0, 2.0)
    assert [found["min"], found["max"], found["std"]] == pytest.approx([1.0, 3.0, (2 / 3) ** 0.5])


def test_a_distribution_without_finite_values_is_only_counted() -> None:
    assert distribution_of([float("nan")]) == {"count": 1.0, "not_finite": 1.0}


def test_a_histogram_is_a_distribution_of_the_middles_of_its_bins() -> None:
    found = distribution_of_bins([1, 2, 1], [0.0, 1.0, 2.0, 3.0])

    assert [found["count"], found["mean"], found["median"], found["std"]] == pytest.approx([4.0, 1.5, 1.5, 0.5**0.5])
    assert (found["min"], found["max"]) == (0.0, 3.0)


def test_a_histogram_needs_one_more_edge_than_counts() -> None:
    with pytest.raises(RecordError, match="one more edge than counts"):
        distribution_of_bins([1, 2], [0.0, 1.0])
