"""The examples of a variant of this repository."""

from autoencoders.errors import UserError
from autoencoders.images.picture import Floats, Picture
from autoencoders.serving.examples import Examples, drawing_for
from autoencoders.site.drawing import choose_examples
from autoencoders.trained.variant import Trained

SEARCHED = 100  # test images in which examples of different classes are searched


def create_examples(trained: Trained) -> Examples:
    """Return the examples of a variant: test images as its encoder gets them, if prepared."""
    input = trained.description.variant.input.model_dump(mode="json")
    drawing = drawing_for(trained.image_shape, input)
    try:
        chosen = choose_examples(trained.data.labels("test")[:SEARCHED].tolist())
    except UserError:
        return Examples((), drawing)
    inputs, _ = trained.first_test_pairs(max(chosen) + 1)
    planes: Floats = inputs[chosen].clamp(0, 1).cpu().numpy()
    return Examples(tuple(Picture(image) for image in planes), drawing)
