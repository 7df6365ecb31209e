"""Reading, writing and converting pictures: depth, transparency, profiles, resizing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, ImageOps
from PIL.PngImagePlugin import PngInfo

from autoencoders.files import write_bytes
from autoencoders.images.output_paths import FORMAT_OF_EXTENSION
from autoencoders.images.picture import (
    Floats,
    Picture,
    UnusableImage,
    fill_transparent,
    resize_picture,
    to_depth,
    to_floats,
    to_opaque_planes,
)
from autoencoders.images.reading import read_image
from autoencoders.images.writing import encode_image, require_support, written_depth

RAMP = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
DEEP = np.arange(48, dtype=np.uint16).reshape(6, 8) * 1300
FLOAT = np.linspace(0, 1, 48, dtype=np.float32).reshape(6, 8)
COLOURS = np.stack([RAMP, RAMP[::-1], 255 - RAMP], 2)
HALF_CLEAR = np.tile(np.array([0, 255], np.uint8), (6, 4))


def write(target: Path, picture: Picture, origin: str = "autoencoders test") -> None:
    write_bytes(target, encode_image(picture, FORMAT_OF_EXTENSION[target.suffix], origin))


def saved(tmp_path: Path, image: Image.Image, name: str = "a.png", **options: Any) -> Path:
    image.save(tmp_path / name, **options)
    return tmp_path / name


def with_alpha(image: Image.Image) -> Image.Image:
    image.putalpha(Image.fromarray(HALF_CLEAR))
    return image


def clear_red() -> Image.Image:
    """Return a palette image whose second colour is transparent."""
    image = Image.new("P", (8, 6))
    image.putpalette([0, 0, 255, 255, 0, 0])
    image.paste(1, (0, 0, 4, 6))
    image.info["transparency"] = 1
    return image


@pytest.mark.parametrize(
    ("image", "name", "expected", "alpha", "depth"),
    [
        (Image.fromarray(RAMP), "a.png", RAMP / 255, None, 8),
        (Image.fromarray(COLOURS), "a.tif", COLOURS / 255, None, 8),
        (Image.fromarray(DEEP), "a.png", DEEP / 65535, None, 16),
        (Image.fromarray(DEEP), "a.tif", DEEP / 65535, None, 16),
        (Image.fromarray(FLOAT), "a.tif", FLOAT, None, 32),
        (Image.fromarray(RAMP > 99), "a.png", RAMP > 99, None, 8),
        (with_alpha(Image.fromarray(RAMP)), "a.png", RAMP / 255, HALF_CLEAR / 255, 8),
        (with_alpha(Image.fromarray(COLOURS)), "a.webp", None, HALF_CLEAR / 255, 8),
        (Image.fromarray(COLOURS).convert("CMYK"), "a.tif", COLOURS / 255, None, 8),
        (clear_red(), "a.png", None, np.tile([0] * 4 + [1] * 4, (6, 1)), 8),
        (Image.fromarray(RAMP).convert("P"), "a.gif", RAMP / 255, None, 8),
        (Image.fromarray(COLOURS), "a.qoi", COLOURS / 255, None, 8),
        (Image.fromarray(RAMP > 99), "a.xbm", RAMP > 99, None, 8),
    ],
)
def test_all_pixel_types_are_read_unchanged(
    tmp_path: Path,
    image: Image.Image,
    name: str,
    expected: Floats | None,
    alpha: Floats | None,
    depth: int,
) -> None:
    found = read_image(saved(tmp_path, image, name))
    assert found.depth == depth
    assert 8 * found.planes.itemsize == depth
    if expected is not None:
        planes = np.atleast_3d(np.asarray(expected, np.float32)).transpose(2, 0, 1)
        np.testing.assert_allclose(to_floats(found.planes), planes, atol=1e-6)
    if alpha is None:
        assert found.alpha is None
    else:
        assert found.alpha is not None
        np.testing.assert_allclose(to_floats(found.alpha)[0], alpha, atol=1e-6)


@pytest.mark.parametrize(
    ("image", "name"),
    [
        (Image.fromarray(RAMP), "b.png"),
        (Image.fromarray(COLOURS), "b.png"),
        (Image.fromarray(COLOURS), "b.webp"),
        (Image.fromarray(DEEP), "b.png"),
        (Image.fromarray(DEEP), "b.tif"),
        (Image.fromarray(FLOAT), "b.tiff"),
        (with_alpha(Image.fromarray(RAMP)), "b.png"),
        (with_alpha(Image.fromarray(COLOURS)), "b.tif"),
        (with_alpha(Image.fromarray(COLOURS)), "b.webp"),
    ],
)
def test_writing_and_reading_give_the_same_picture(
    tmp_path: Path, image: Image.Image, name: str
) -> None:
    source = saved(tmp_path, image, "a.tif" if image.mode == "F" else "a.png")
    found = read_image(source)
    write(tmp_path / name, found)
    again = read_image(tmp_path / name)
    assert (
        again.depth == found.depth == written_depth(found, FORMAT_OF_EXTENSION[Path(name).suffix])
    )
    if name != "b.webp":  # WebP has no grey
        np.testing.assert_array_equal(again.planes, found.planes)
    assert (again.alpha is None) == (found.alpha is None)
    if again.alpha is not None:
        np.testing.assert_array_equal(again.alpha, found.alpha)


@pytest.mark.parametrize("name", ["b.png", "b.jpg", "b.webp", "b.tif"])
def test_a_colour_profile_is_kept_except_for_cmyk(tmp_path: Path, name: str) -> None:
    colours = Image.fromarray(COLOURS)
    found = read_image(saved(tmp_path, colours, icc_profile=b"a profile"))
    write(tmp_path / name, found)
    assert read_image(tmp_path / name).profile == b"a profile"
    inks = saved(tmp_path, colours.convert("CMYK"), "inks.jpg", icc_profile=b"of inks")
    assert read_image(inks).profile is None


@pytest.mark.parametrize("name", ["b.png", "b.jpg", "b.webp", "b.tif"])
@pytest.mark.parametrize("source", ["a.png", "a.jpg", "a.webp", "a.tif", "a.bmp"])
def test_the_resolution_is_kept(tmp_path: Path, source: str, name: str) -> None:
    exif = Image.Exif()
    exif[282], exif[283], exif[296] = 300, 150, 2  # the only place in a WebP
    dpi = (300, 150)
    options: dict[str, Any] = {"exif": exif} if source == "a.webp" else {"dpi": dpi}
    found = read_image(saved(tmp_path, Image.fromarray(COLOURS), source, **options))
    assert found.dpi == pytest.approx(dpi, abs=0.02)
    write(tmp_path / name, found)
    assert read_image(tmp_path / name).dpi == pytest.approx(dpi, abs=0.02)
    with Image.open(tmp_path / name) as written:
        assert written.info.get("dpi", dpi) == pytest.approx(dpi, abs=0.02)


@pytest.mark.parametrize("name", ["b.png", "b.tif"])
def test_the_resolution_of_colours_with_16_bits_is_kept(tmp_path: Path, name: str) -> None:
    deep = np.stack([DEEP] * 3, 2)
    tifffile.imwrite(
        tmp_path / "a.tif", deep, photometric="rgb", resolution=(118.11, 59.055), resolutionunit=3
    )
    write(tmp_path / name, read_image(tmp_path / "a.tif"))
    with Image.open(tmp_path / name) as written:
        assert written.info["dpi"] == pytest.approx((300, 150), abs=0.02)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif"])
def test_a_file_without_resolution_gets_none(tmp_path: Path, name: str) -> None:
    exif = Image.Exif()
    exif[305] = "a camera"
    assert read_image(saved(tmp_path, Image.fromarray(COLOURS), name, exif=exif)).dpi is None


def test_the_resolution_is_turned_with_the_image(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    source = saved(tmp_path, Image.fromarray(COLOURS), "a.jpg", exif=exif, dpi=(300, 150))
    assert read_image(source).dpi == (150, 300)


@pytest.mark.parametrize("dpi", [(0, 0), (1e9, 1e9), (300, float("nan"))])
@pytest.mark.parametrize("name", ["b.png", "b.jpg", "b.webp", "b.tif"])
def test_an_impossible_resolution_is_left_out(
    tmp_path: Path, name: str, dpi: tuple[float, float]
) -> None:
    write(tmp_path / name, Picture(COLOURS.transpose(2, 0, 1), dpi=dpi))
    assert read_image(tmp_path / name).dpi is None


def test_a_resampled_image_keeps_its_size_on_paper() -> None:
    assert resize_picture(Picture(np.zeros((3, 60, 90), np.uint8), dpi=(300, 300)), 20, 20).dpi == (
        pytest.approx((100, 100))
    )


def test_the_decoded_depth_is_smaller_for_16_bit_cmyk(tmp_path: Path) -> None:
    inks = np.stack([DEEP] * 4, 2)
    tifffile.imwrite(tmp_path / "a.tif", inks, photometric="separated")
    found = read_image(tmp_path / "a.tif")
    assert (found.depth, written_depth(found, "tiff")) == (16, 8)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0, 255], r"^float pixels from 0 to 255; allowed: 0 to 1; scale them$"),
        ([-0.5, 1], r"^float pixels from -0.5 to 1; allowed"),
        ([0, np.nan], "^float pixels with NaN or infinity; allowed: 0 to 1"),
    ],
)
def test_floats_outside_0_to_1_are_refused(
    tmp_path: Path, values: list[float], message: str
) -> None:
    source = saved(tmp_path, Image.fromarray(np.array([values], np.float32)), "a.tif")
    with pytest.raises(UnusableImage, match=message):
        read_image(source)


@pytest.mark.parametrize(("gamma", "usual"), [(0.45455, True), (1.0, False)])
def test_an_unusual_gamma_is_refused(tmp_path: Path, gamma: float, usual: bool) -> None:
    info = PngInfo()
    info.add(b"gAMA", round(gamma * 100_000).to_bytes(4, "big"))
    Image.new("RGB", (2, 2), (9, 99, 199)).save(tmp_path / "a.png", pnginfo=info)
    if usual:
        assert read_image(tmp_path / "a.png").size == (2, 2)
    else:
        with pytest.raises(
            UnusableImage, match=r"a PNG with gamma 1; allowed: 0\.45; save it as sRGB"
        ):
            read_image(tmp_path / "a.png")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.new("RGB", (2, 2)).save(tmp_path / "b.png", pnginfo=info, icc_profile=profile)
    assert read_image(tmp_path / "b.png").profile == profile


def test_a_jpeg_with_a_preview_is_one_image(tmp_path: Path) -> None:
    large, small = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (4, 4), "red")
    source = saved(tmp_path, large, "a.jpg", format="MPO", save_all=True, append_images=[small])
    assert read_image(source).size == (8, 8)


def test_jpeg_refuses_transparency(tmp_path: Path) -> None:
    half_clear = read_image(saved(tmp_path, with_alpha(Image.fromarray(RAMP))))
    with pytest.raises(UnusableImage, match="which JPEG cannot store; choose png"):
        write(tmp_path / "b.jpg", half_clear)
    assert not (tmp_path / "b.jpg").exists()


@pytest.mark.parametrize(
    ("name", "most", "format"), [("b.webp", 16383, "WEBP"), ("b.jpg", 65500, "JPEG")]
)
def test_an_image_too_large_for_its_format_is_refused(
    tmp_path: Path, name: str, most: int, format: str
) -> None:
    write(tmp_path / name, Picture(np.zeros((1, 1, most), np.uint8)))
    with pytest.raises(UnusableImage) as caught:
        write(tmp_path / name, Picture(np.zeros((1, 1, most + 1), np.uint8)))
    assert str(caught.value) == (
        f"the output has {most + 1}×1 pixels; allowed in {format}: up to {most} per side; choose "
        "png or tiff"
    )
    with pytest.raises(UnusableImage, match=f"{2 * most}×2 pixels"):  # before the enlargement
        require_support(Picture(np.zeros((1, 1, most), np.uint8)), format.lower(), factor=2)


def test_resizing_crops_the_centre_as_in_datasets(tmp_path: Path) -> None:
    half = Image.fromarray(COLOURS)
    half.putalpha(128)
    source = saved(tmp_path, half)
    found = resize_picture(read_image(source), 3, 3)
    assert found.alpha is not None
    opaque = saved(tmp_path, Image.fromarray(COLOURS), "opaque.png")
    np.testing.assert_array_equal(found.planes, to_opaque_planes(read_image(opaque), 3, (3, 3)))
    assert found.alpha.shape == (1, 3, 3)
    exact = read_image(source)
    assert resize_picture(exact, 6, 8).planes is exact.planes


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_transparent_pixels_take_the_colour_of_the_nearest_visible_pixel(bits: int) -> None:
    planes = to_depth(np.array([[[7, 1, 2, 3, 4, 9]], [[0, 5, 6, 7, 8, 0]]], np.uint8) * 25, bits)
    alpha = to_depth(np.array([[[0, 255, 0, 0, 1, 0]]], np.uint8), bits)
    filled = fill_transparent(Picture(planes, alpha)).planes
    np.testing.assert_array_equal(filled, planes[:, :, [1, 1, 1, 4, 4, 4]])
    assert filled.dtype == planes.dtype
    clear = Picture(planes, np.zeros_like(alpha))
    assert fill_transparent(clear) is clear


@pytest.mark.parametrize("hidden", [0, 255])
def test_resizing_does_not_mix_colours_under_transparency_into_the_picture(hidden: int) -> None:
    planes = np.full((3, 12, 12), hidden, np.uint8)
    planes[:, 3:9, 2:8] = 100
    small = resize_picture(Picture(planes, np.uint8(255) * (planes[:1] == 100)), 5, 5)
    np.testing.assert_allclose(small.planes, 100 / 255, atol=1e-6)


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_opaque_planes_keep_their_depth_and_resized_planes_are_not_rounded(bits: int) -> None:
    colours = to_depth(COLOURS.transpose(2, 0, 1), bits)
    for channels in (1, 3):
        opaque = to_opaque_planes(Picture(colours, to_depth(HALF_CLEAR[None], bits)), channels)
        assert opaque.dtype == colours.dtype
        assert (to_floats(opaque)[:, :, ::2] == 1).all()
        small = to_opaque_planes(Picture(colours), channels, (3, 3))
        assert small.dtype == np.float32
        by_bytes = Image.fromarray(COLOURS).convert("L" if channels == 1 else "RGB")
        fit = np.atleast_3d(np.asarray(ImageOps.fit(by_bytes, (3, 3), Image.Resampling.LANCZOS)))
        np.testing.assert_allclose(small, fit.transpose(2, 0, 1) / 255, atol=1.01 / 255)


def test_blending_with_white_and_luma_are_equal_to_pillows() -> None:
    """All pairs of byte and alpha; and random colours, some close to a rounding boundary."""
    values, alpha = np.mgrid[:256, :256].astype(np.uint8)
    with_white = Image.new("RGBA", values.shape, "white")
    with_white.alpha_composite(Image.fromarray(np.stack([values] * 3 + [alpha], 2)))
    found = to_opaque_planes(Picture(values[None], alpha[None]), 3)
    np.testing.assert_array_equal(found.transpose(1, 2, 0), with_white.convert("RGB"))
    colours = np.random.default_rng(0).integers(0, 256, (3, 1000, 1000), np.uint8)
    expected = Image.fromarray(np.ascontiguousarray(colours.transpose(1, 2, 0))).convert("L")
    np.testing.assert_array_equal(to_opaque_planes(Picture(colours), 1)[0], expected)
