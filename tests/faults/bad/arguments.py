"""Wrong arguments."""

from functools import partial

from tests.faults.case import Case
from tests.faults.changes import nothing

_case = partial(Case, "arguments")


def _typed(command: str, *says: str, needs: str = "bare", name: str = "") -> Case:
    return _case(name or f"autoencoders {command}", command, nothing, says, needs=needs)


CASES = (
    _typed("", "COMMAND|command", name="no command"),
    _typed("trian mnist vae", "trian", "train"),
    _typed("train", "dataset", "variant"),
    _typed("fetch mnist fashion_mnist", "fashion_mnist"),
    _typed("train minst vae", "'minst'", "did you mean 'mnist'"),
    _typed(
        "train vae mnist",
        "'vae'",
        "mnist",
        name="the dataset and the variant in the wrong order",
    ),
    _typed("fetch MNIST", "'MNIST'", "mnist"),
    _typed("prepare ''", "''", "mnist", name="an empty name"),
    _typed("classify 'mnist\nvae'", "mnist", name="a name of two lines"),
    _typed("train mnist classifier", "'classifier'"),
    _typed("evaluate mnist aae", "models/mnist/aae", "train@mnist-aae", needs="trained"),
    _typed("train fashion_mnist vae", "data/prepared/fashion_mnist", "prepare@fashion_mnist"),
    _typed("apply mnist/conv a.png", "--to"),
    _typed("apply mnist/conv a.png --to out --format jxl", "'jxl'", "png"),
    _typed("sample mnist/vae --to new.png", "found new.png", "a folder"),
    _typed(
        "apply mnist/cnov a.png --to out",
        "cnov",
        "did you mean",
        needs="trained",
    ),
)
