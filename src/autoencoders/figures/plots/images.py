"""Figures made of images: rows of images, error maps, grids of samples, the overview.

Images are float32 `(N, C, H, W)` in [0, 1], where C is 1 or 3. Each image pixel is drawn as a block
of equal pixels (nearest neighbour), so the figure does not smooth the network's output.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgb
from matplotlib.figure import Figure

from autoencoders.figures.plots.style import (
    FRAME,
    MARGIN,
    MUTED,
    SMALL_SIZE,
    TEXT_SIZE,
    TITLE_SIZE,
    Images,
    Pixels,
    add_axes,
    house_style,
    place_pixels,
    place_text,
    start_figure,
    text_size,
    to_rgb_pixels,
    wrap,
)

# All sizes are in pixels.
ROW_WIDTH = 1250  # maximum width of a row of images
COLUMNS = 10  # maximum number of images in a row of a grid
CELL = 140  # maximum length of the longer side of an image
LABEL_WIDTH = 230  # maximum width of a row's label; longer labels are wrapped
BLOCK_GAP = 28  # additional space between blocks of rows
LABEL_GAP = 24  # between a label and its row
GAP = 8  # between neighbouring images
SIGN_WIDTH = 70  # of the sign between two groups of images
BAR_WIDTH, BAR_HEIGHT, BAR_TEXT = 560, 18, 76  # of a colour bar, and the height of its text


class _Row(NamedTuple):
    """The content of one row of a figure, from left to right."""

    label: str
    groups: list[Pixels]  # tiles (N, height, width, 3) of each group
    captions: Sequence[str] = ()  # below the tiles of the first group
    sign: str = "→"  # between the groups
    below: int = GAP  # pixels between this row and the next


@house_style()
def image_rows(
    blocks: Sequence[Mapping[str, Images]],
    title: str,
    captions: Mapping[str, Sequence[str]] | None = None,
) -> Figure:
    """Draw labelled rows of images; each column shows the same image.

    Args:
        blocks: groups of rows with space between them. Each maps labels to images `(N, C, H, W)`;
            N is the same in all rows. Small images are enlarged to the size of the largest ones.
        title: title of the figure.
        captions: label of a row → a short text below each of its N images, such as its PSNR.
    """
    all_rows = [images for block in blocks for images in block.values()]
    cell = _cell(all_rows, len(all_rows[0]))
    rows = []
    for block in blocks:
        for label, images in block.items():
            texts = (captions or {}).get(label, ())
            rows.append(_Row(label, [_tiles(to_rgb_pixels(images), cell)], texts))
        if block is not blocks[-1]:
            rows[-1] = rows[-1]._replace(below=GAP + BLOCK_GAP)
    return _draw_rows(rows, title)[0]


@house_style()
def error_maps(originals: Images, reconstructions: Images, title: str) -> Figure:
    """Draw originals, reconstructions and their signed difference, averaged over channels.

    Both are `(N, C, H, W)`. The colour scale is symmetric and ends at the largest absolute error.
    """
    errors = (reconstructions.astype(np.float64) - originals).mean(axis=1)
    limit = float(np.abs(errors).max()) or 1.0
    scale = ScalarMappable(Normalize(-limit, limit), matplotlib.colormaps["RdBu_r"])
    pixels_by_label = {
        "original": to_rgb_pixels(originals),
        "reconstruction": to_rgb_pixels(reconstructions),
        "error": np.stack([scale.to_rgba(error, bytes=True)[..., :3] for error in errors]),
    }
    cell = _cell([originals], len(originals))
    figure, left, top = _draw_rows(
        [_Row(label, [_tiles(pixels, cell)]) for label, pixels in pixels_by_label.items()],
        title,
        below=GAP + BAR_HEIGHT + BAR_TEXT,
        min_width=BAR_WIDTH,
    )
    note = ", mean over channels" if originals.shape[1] > 1 else ""
    figure.colorbar(
        scale,
        cax=add_axes(figure, left, top + GAP, BAR_WIDTH, BAR_HEIGHT),
        orientation="horizontal",
        label=f"reconstruction − original{note}",
    )
    return figure


@house_style()
def sample_grids(grids: Mapping[str, Images], title: str) -> Figure:
    """Draw one grid of images `(N, C, H, W)` below each heading; a heading may be empty.

    The grids are below each other, with at most ten images in a row.
    """
    columns = min(COLUMNS, max(len(images) for images in grids.values()))
    cell = _cell(grids.values(), columns)
    strips = {
        heading: _strips(_tiles(to_rgb_pixels(images), cell), columns)
        for heading, images in grids.items()
    }
    widths = [text_size(heading, TEXT_SIZE)[0] for heading in grids]
    widths += [rows[0].shape[1] for rows in strips.values()]
    heading_heights = {
        heading: text_size(heading, TEXT_SIZE)[1] + GAP if heading else 0 for heading in grids
    }
    step = cell[0] + 2 + GAP
    heights = {heading: heading_heights[heading] + len(strips[heading]) * step for heading in grids}
    height = sum(heights.values()) + (len(grids) - 1) * BLOCK_GAP - GAP + MARGIN
    figure, top = start_figure(title, max(widths) + 2 * MARGIN, height)
    for heading, rows in strips.items():
        place_text(figure, heading, MARGIN, top, color=MUTED, vertical="top")
        for row, strip in enumerate(rows):
            place_pixels(figure, strip, MARGIN, top + heading_heights[heading] + row * step)
        top += heights[heading] + BLOCK_GAP
    return figure


@house_style()
def overview(
    originals: Images, rows: Sequence[tuple[str, Images, Images, str]], title: str
) -> Figure:
    """Draw one row of encoder inputs and reconstructions per variant, and a row of originals.

    Args:
        originals: images `(N, C, H, W)`.
        rows: label, encoder inputs `(N, C, H, W)`, reconstructions `(N, C, H, W)` and caption of
            each variant.
        title: title of the figure.
    """
    all_groups = [originals, *(images for row in rows for images in row[1:3])]
    cell = _cell(all_groups, 2 * len(originals))
    return _draw_rows(
        [
            _Row(
                f"{label}\n{caption}",
                [_tiles(to_rgb_pixels(images), cell) for images in (inputs, outputs)],
            )
            for label, inputs, outputs, caption in rows
        ]
        + [_Row("original", [_tiles(to_rgb_pixels(originals), cell)] * 2, sign="")],
        title,
        headings=("encoder input", "reconstruction"),
    )[0]


def _strips(tiles: Pixels, columns: int) -> list[Pixels]:
    """Return the rows of a grid of tiles (N, height, width, 3) with `columns` columns."""
    starts = range(0, len(tiles), columns)
    return [_strip(tiles[start : start + columns], tiles.shape[2]) for start in starts]


def _cell(groups: Collection[Images], count: int) -> tuple[int, int]:
    """Return the height and width in pixels of each of `count` images side by side."""
    height = max(images.shape[2] for images in groups)
    width = max(images.shape[3] for images in groups)
    factor = max(1, min(CELL // max(height, width), (ROW_WIDTH // count - GAP) // width))
    return height * factor, width * factor


def _tiles(pixels: Pixels, cell: tuple[int, int]) -> Pixels:
    """Enlarge images (N, H, W, 3) to `cell` by nearest neighbour, and add a thin frame to each."""
    rows = np.arange(cell[0]) * pixels.shape[1] // cell[0]
    columns = np.arange(cell[1]) * pixels.shape[2] // cell[1]
    enlarged = pixels[:, rows[:, None], columns]
    tiles = np.empty((len(pixels), cell[0] + 2, cell[1] + 2, 3), np.uint8)
    tiles[:] = np.multiply(to_rgb(FRAME), 255).round().astype(np.uint8)
    tiles[:, 1:-1, 1:-1] = enlarged
    return tiles


def _strip(tiles: Pixels, column: int) -> Pixels:
    """Return tiles (N, height, width, 3) side by side on white, each centred in `column` pixels."""
    count, height, width, _ = tiles.shape
    strip = np.full((height, count * (column + GAP) - GAP, 3), 255, np.uint8)
    for i, tile in enumerate(tiles):
        start = i * (column + GAP) + (column - width) // 2
        strip[:, start : start + width] = tile
    return strip


def _draw_rows(
    rows: Sequence[_Row],
    title: str,
    *,
    headings: Sequence[str] = (),
    below: int = 0,
    min_width: int = 0,
) -> tuple[Figure, int, int]:
    """Draw labelled rows of images below their headings.

    Args:
        rows: have the same number of groups; all tiles have the same size.
        title: title of the figure.
        headings: one above each group, or none.
        below: pixels of free space below the last row.
        min_width: minimum width in pixels of the part right of the labels.

    Returns:
        The figure, and the left and top edge in pixels of the free space below the rows.
    """
    rows = [row._replace(label=wrap(row.label, LABEL_WIDTH, TEXT_SIZE)) for row in rows]
    left = MARGIN + max(text_size(row.label, TEXT_SIZE)[0] for row in rows) + LABEL_GAP
    column = max(_column_width(row) for row in rows)
    heading_sizes = [text_size(heading, TEXT_SIZE) for heading in headings]
    heading_height = max((height + GAP for _, height in heading_sizes), default=0)
    group_width = max(
        [rows[0].groups[0].shape[0] * (column + GAP) - GAP, *(width for width, _ in heading_sizes)]
    )
    group_step = group_width + SIGN_WIDTH
    content_width = max(len(rows[0].groups) * group_step - SIGN_WIDTH, min_width)
    content_height = heading_height + sum(_row_height(row) for row in rows) + below

    figure, top = start_figure(title, left + content_width + MARGIN, content_height + MARGIN)
    for group, heading in enumerate(headings):
        place_text(figure, heading, left + group * group_step, top, color=MUTED, vertical="top")
    top += heading_height
    for row in rows:
        _draw_row(figure, row, left, top, column, group_step)
        top += _row_height(row)
    return figure, left, top


def _column_width(row: _Row) -> int:
    captions = (text_size(caption, SMALL_SIZE)[0] for caption in row.captions)
    return max(int(row.groups[0].shape[2]), max(captions, default=0))


def _body_height(row: _Row) -> int:
    return max(int(row.groups[0].shape[1]), text_size(row.label, TEXT_SIZE)[1])


def _row_height(row: _Row) -> int:
    captions = [text_size(caption, SMALL_SIZE)[1] for caption in row.captions]
    return _body_height(row) + row.below + (max(captions) + 2 * GAP if captions else 0)


def _draw_row(figure: Figure, row: _Row, left: int, top: int, column: int, group_step: int) -> None:
    """Draw the label, the groups of images, the signs between them, and the captions."""
    height = row.groups[0].shape[1]
    image_top = top + (_body_height(row) - height) // 2
    middle = image_top + height / 2
    place_text(figure, row.label, left - LABEL_GAP, middle, horizontal="right")
    for group, tiles in enumerate(row.groups):
        group_left = left + group * group_step
        place_pixels(figure, _strip(tiles, column), group_left, image_top)
        if group > 0:
            between = group_left - SIGN_WIDTH / 2
            place_text(figure, row.sign, between, middle, size=TITLE_SIZE, horizontal="center")
    for i, caption in enumerate(row.captions):
        place_text(
            figure,
            caption,
            left + i * (column + GAP) + column / 2,
            image_top + height + GAP,
            size=SMALL_SIZE,
            color=MUTED,
            horizontal="center",
            vertical="top",
        )
