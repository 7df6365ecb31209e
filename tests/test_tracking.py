import base64
import hashlib
import io
import json
import math
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import mlflow.pyfunc
import numpy as np
import pytest
import torch
from mlflow import MlflowClient, environment_variables
from mlflow.entities import LoggedModel, Run
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.utils import mlflow_tags
from PIL import Image

from autoencoders import find_weights, paths
from autoencoders.errors import UserError
from autoencoders.evaluation.intervals import Interval
from autoencoders.pipeline import Item
from autoencoders.tracking import (
    DataUsed,
    TrainedModel,
    finished_runs,
    private,
    provenance,
    registered,
    stage_run,
    store,
)
from autoencoders.tracking.store import tracking_uri
from autoencoders.tracking.study import study_run

# A warning of MLflow at the first use of a database.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")

EXPERIMENT = "autoencoders"
TRAIN = Item("train", "mnist", "vae")
PARAMS = {"objective": {"name": "variational"}, "optimizer": {"lr": 1.0e-3}, "hidden": [512, 256]}
CONFIGURATION = {"seed": 0, "variants": {"vae": PARAMS}}
OUTPUTS = {"outputs.sha256": "abc"}
WEIGHTS = hashlib.sha256(b"weights").hexdigest()
DATA = DataUsed(
    name="mnist",
    source="stand-in",
    sha256=hashlib.sha256(b"images").hexdigest(),
    path="data/prepared/mnist",
    splits={"train": (540, 1, 28, 28), "validation": (60, 1, 28, 28)},
)


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database after MLflow's migrations, which take seconds."""
    database = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(f"sqlite:///{database}")
    return database


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_database: Path) -> Path:
    """The user's repository; the stages run in a copy of it, as in `dvc exp run --temp`."""
    root, copy = tmp_path / "my repository", tmp_path / "copy"
    root.mkdir()
    copy.mkdir()
    shutil.copy(empty_database, root / "mlflow.db")
    monkeypatch.setenv("DVC_ROOT", str(root))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("DVC_EXP_NAME", raising=False)
    monkeypatch.chdir(copy)
    return root


@pytest.fixture
def client(repository: Path) -> MlflowClient:
    return MlflowClient(f"sqlite:///{repository}/mlflow.db")


def run_stage(item: Item = TRAIN, **changes: Any) -> Any:
    arguments: dict[str, Any] = {
        "params": PARAMS,
        "configuration": CONFIGURATION,
        "experiment": EXPERIMENT,
        "data": DATA,
    }
    return stage_run(item, **(arguments | changes))


def runs_of(client: MlflowClient, stage: str) -> list[Run]:
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id], f"tags.stage = '{stage}'"))


def logged_model(client: MlflowClient, run_id: str) -> LoggedModel:
    outputs = client.get_run(run_id).outputs
    assert outputs is not None
    [output] = outputs.model_outputs
    return client.get_logged_model(output.model_id)


def git(*arguments: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    command = ["git", *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


class Blur(torch.nn.Module):
    """A small network with a convolution and a reshape that depends on the batch size."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = torch.nn.Conv2d(1, 4, 3, padding=1)
        self.linear = torch.nn.Linear(4 * 6 * 6, 2 * 6 * 6)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = torch.relu(self.convolution(images)).reshape(images.shape[0], -1)
        return torch.sigmoid(self.linear(features)).reshape(images.shape[0], 2, 6, 6)


def trained(module: torch.nn.Module) -> TrainedModel:
    return TrainedModel(module.eval(), (1, 6, 6), WEIGHTS, "mnist-vae")


def test_a_training_logs_params_metrics_tags_and_artifacts(
    repository: Path, client: MlflowClient
) -> None:
    history = Path("history.csv")
    history.write_text("epoch,loss\n0,2.0\n1,1.0\n")
    with run_stage() as run:
        for epoch, loss in enumerate((2.0, 1.0)):
            run.log_epoch(epoch, {"train/loss": loss, "validation/loss": loss + 0.5})
        run.log(metrics={"seconds": 3.5}, artifacts=[history], tags=OUTPUTS)

    logged = client.get_run(run.id)
    assert logged.info.run_name == "train@mnist-vae"
    assert logged.info.status == "FINISHED"
    assert logged.data.params == {
        "objective.name": "variational",
        "optimizer.lr": "0.001",
        "hidden": "[512, 256]",
    }
    assert logged.data.metrics == {"train/loss": 1.0, "validation/loss": 1.5, "seconds": 3.5}
    losses = client.get_metric_history(run.id, "train/loss")
    assert [(metric.step, metric.value) for metric in losses] == [(0, 2.0), (1, 1.0)]
    params_sha256 = hashlib.sha256(json.dumps(PARAMS, sort_keys=True).encode()).hexdigest()
    assert (
        logged.data.tags.items()
        >= {
            "stage": "train",
            "dataset": "mnist",
            "variant": "vae",
            "params.sha256": params_sha256,
            "data.sha256": DATA.sha256,
            "data.source": "stand-in",
            "outputs.sha256": "abc",
        }.items()
    )
    assert [file.path for file in client.list_artifacts(run.id)] == ["history.csv"]
    assert list((repository / "mlartifacts" / run.id).rglob("history.csv"))
    assert not list(Path.cwd().glob("ml*")), "nothing is stored in DVC's temporary copy"


def test_the_data_is_an_input_of_the_run(client: MlflowClient) -> None:
    with run_stage() as run:
        pass
    inputs = client.get_run(run.id).inputs
    assert inputs is not None
    dataset = inputs.dataset_inputs[0].dataset
    assert (dataset.name, dataset.digest) == ("mnist", DATA.sha256[:8])
    assert json.loads(dataset.source) == {"uri": "data/prepared/mnist"}
    profile = json.loads(dataset.profile or "")
    assert profile["source"] == "stand-in"
    assert profile["images"] == {"train": 540, "validation": 60}
    tensors = json.loads(json.loads(dataset.schema or "")["mlflow_tensorspec"]["features"])
    assert [tensor["tensor-spec"]["shape"] for tensor in tensors] == [
        [540, 1, 28, 28],
        [60, 1, 28, 28],
    ]


def test_data_without_splits_has_no_schema(client: MlflowClient) -> None:
    with run_stage(data=replace(DATA, splits={})) as run:
        pass
    inputs = client.get_run(run.id).inputs
    assert inputs is not None
    assert inputs.dataset_inputs[0].dataset.schema is None


def test_stages_of_one_configuration_have_one_parent_run(client: MlflowClient) -> None:
    items = [Item("fetch", "mnist"), TRAIN, Item("report")]
    for item in items:
        with run_stage(item) as run:
            run.log_to_parent(metrics={"mnist/vae/psnr": 17.0})
    with run_stage(configuration=CONFIGURATION | {"seed": 1}):
        pass

    parents = runs_of(client, "configuration")
    assert len(parents) == 2
    first = next(parent for parent in parents if parent.data.params["seed"] == "0")
    assert first.data.params["variants.vae.optimizer.lr"] == "0.001"
    assert first.data.metrics == {"mnist/vae/psnr": 17.0}
    assert first.info.status == "FINISHED"
    children = client.search_runs(
        [first.info.experiment_id], f"tags.`mlflow.parentRunId` = '{first.info.run_id}'"
    )
    assert {child.info.run_name for child in children} == {item.name for item in items}


def test_a_dvc_experiment_has_a_separate_parent_run(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run_stage():
        pass
    monkeypatch.setenv("DVC_EXP_NAME", "tall-yolk")
    with run_stage() as run:
        pass
    parents = runs_of(client, "configuration")
    assert len(parents) == 2
    assert "tall-yolk" in {parent.info.run_name for parent in parents}
    assert client.get_run(run.id).data.tags["dvc.exp"] == "tall-yolk"


def test_tags_of_the_commit_and_of_edited_sources(client: MlflowClient) -> None:
    def tags() -> dict[str, str]:
        with run_stage() as run:
            pass
        return dict(client.get_run(run.id).data.tags)

    assert "git.commit" not in tags()

    source, output = Path("train.py"), Path("reports/results.csv")
    output.parent.mkdir()
    for file in (source, output):
        file.write_text("1\n")
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    output.write_text("2\n")
    Path("dvc.lock").write_text("\n")
    assert tags().items() >= {"git.commit": git("rev-parse", "HEAD"), "git.dirty": "false"}.items()

    source.write_text("2\n")
    assert tags()["git.dirty"] == "true"

    git("commit", "-q", "-a", "-m", "second")
    assert tags()["git.dirty"] == "false"
    assert len(runs_of(client, "configuration")) == 3, "one for each commit, and one without"


def test_the_commit_of_a_surrounding_repository_is_not_logged(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "of something else")
    Path("unpacked").mkdir()
    monkeypatch.chdir("unpacked")
    with run_stage() as run:
        pass
    assert not {tag for tag in client.get_run(run.id).data.tags if "git" in tag}


def test_nan_and_infinite_metrics_are_logged(client: MlflowClient) -> None:
    with run_stage() as run:
        run.log_epoch(0, {"nan": math.nan, "infinite": math.inf, "loss": 1.0})
    metrics = client.get_run(run.id).data.metrics
    assert math.isnan(metrics["nan"])
    assert metrics["infinite"] > 1e300
    assert metrics["loss"] == 1.0


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError("a bug"), "FAILED"), (KeyboardInterrupt(), "KILLED")]
)
def test_exceptions_of_a_stage_end_its_run_and_propagate(
    error: BaseException, status: str, client: MlflowClient, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(type(error)), run_stage() as run:
        raise error
    assert client.get_run(run.id).info.status == status
    assert capsys.readouterr().err == ""


LOAD_ELSEWHERE = """
import sys
sys.modules["autoencoders"] = None  # importing it fails
import numpy as np, torch, mlflow.pyfunc
torch.cuda.is_available = lambda: True  # an exported model stays on the CPU on such machines too
model = mlflow.pyfunc.load_model("models:/mnist-vae/1")
images = np.load(sys.argv[1])
np.savez(sys.argv[2], **{str(size): model.predict(images[:size]) for size in (1, 2, 7, 300)})
"""


@pytest.mark.slow
def test_a_logged_model_loads_without_this_repository(
    repository: Path, client: MlflowClient, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    module = Blur()
    with run_stage() as run:
        run.log_model(trained(module))
    assert capfd.readouterr() == ("", ""), "nothing is printed"

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    images = np.random.default_rng(0).random((300, 1, 6, 6), dtype=np.float32)
    np.save(elsewhere / "images.npy", images)
    subprocess.run(
        [sys.executable, "-c", LOAD_ELSEWHERE, "images.npy", "outputs.npz"],
        cwd=elsewhere,
        env={"MLFLOW_TRACKING_URI": tracking_uri(), "OMP_NUM_THREADS": "1"},
        check=True,
    )
    with torch.no_grad():
        expected = module(torch.from_numpy(images)).numpy()
    for size, outputs in np.load(elsewhere / "outputs.npz").items():
        np.testing.assert_allclose(outputs, expected[: int(size)], atol=1e-5, rtol=0)
        assert outputs.dtype == np.float32

    version = client.get_model_version("mnist-vae", "1")
    assert version.run_id == run.id
    assert version.tags == {"weights.sha256": WEIGHTS, **DATA.tags}
    logged = logged_model(client, run.id)
    assert json.loads(logged.tags["mlflow.modelVersions"]) == [{"name": "mnist-vae", "version": 1}]
    assert logged.params == client.get_run(run.id).data.params
    [description] = (repository / "mlartifacts").rglob("MLmodel")
    assert Model.load(description).signature.outputs.inputs[0].shape == (-1, 2, 6, 6)
    requirements = description.with_name("requirements.txt").read_text().split()
    needed = ("mlflow", "numpy", "pillow", "torch")
    assert requirements == [f"{name}=={version_of(name)}" for name in needed]


class Negative(torch.nn.Module):
    """Returns the negatives of images."""

    def __init__(self) -> None:
        super().__init__()
        self.white = torch.nn.Parameter(torch.ones(()))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.white - images


PIXELS = np.arange(0, 252, 7, dtype=np.uint8).reshape(6, 6)


def png(pixels: np.ndarray[Any, Any] = PIXELS) -> str:
    """Return pixels as a PNG in base64."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def pixels(text: str) -> np.ndarray[Any, Any]:
    """Return the pixels of a PNG in base64."""
    with Image.open(io.BytesIO(base64.b64decode(text))) as image:
        return np.asarray(image)


@pytest.fixture
def negative(client: MlflowClient) -> Any:
    """A registered model, loaded."""
    with run_stage() as run:
        run.log_model(trained(Negative()))
    client.set_registered_model_alias("mnist-vae", "champion", "1")
    return registered._load("models:/mnist-vae@champion")


def test_a_model_takes_arrays_and_pngs_one_or_several(negative: Any) -> None:
    image = np.random.default_rng(0).random((1, 6, 6), np.float32)
    np.testing.assert_allclose(negative.predict(image), 1 - image, atol=1e-6)
    np.testing.assert_allclose(negative.predict(image[None]), 1 - image[None], atol=1e-6)
    np.testing.assert_array_equal(pixels(negative.predict(np.array(png()))), 255 - PIXELS)
    outputs = negative.predict(np.array([png(), png(255 - PIXELS)]))
    for text, expected in zip(outputs, (255 - PIXELS, PIXELS), strict=True):
        np.testing.assert_array_equal(pixels(text), expected)
    coloured = np.stack([PIXELS] * 3, 2)
    np.testing.assert_array_equal(pixels(negative.predict(np.array(png(coloured)))), 255 - PIXELS)
    in_lines = "\n".join([png()[:20], png()[20:]])  # line breaks, as in the output of `base64`
    np.testing.assert_array_equal(pixels(negative.predict(np.array(in_lines))), 255 - PIXELS)
    clear = np.stack([PIXELS, np.zeros((6, 6), np.uint8)], 2)
    assert not pixels(negative.predict(np.array(png(clear)))).any(), (
        "transparent pixels become white; their negative is black"
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((2, 1, 7, 6), np.float32), r"an array \(2, 1, 7, 6\) of float32; allowed: flo"),
        (np.zeros((1, 6, 6), np.uint8), r"an array \(1, 6, 6\) of uint8; allowed: floating-poin"),
        (np.full((1, 6, 6), {}), "an array of values that are no numbers; allowed"),
        (np.full((1, 6, 6), 255.0, np.float32), "an array of numbers from 255 to 255; allowed"),
        (np.full((1, 6, 6), np.nan, np.float32), "an array of numbers from nan to nan; allowed"),
        (np.full((1, 6, 6), None), "an array of numbers from nan to nan; allowed"),
        (np.array([png(PIXELS[:5])]), "a PNG of 6×5 pixels; .* PNGs in base64 of 6×6 pixels and 8"),
        (np.array([png(PIXELS.astype(np.uint16))]), "a PNG of 16 bits; allowed"),
        (np.array(["no PNG"]), "a string that is not a PNG in base64; allowed"),
        (np.array([png()[:60]]), "a string that is not a PNG in base64; allowed"),
    ],
)
def test_a_model_refuses_other_inputs(data: Any, message: str, negative: Any) -> None:
    with pytest.raises(MlflowException, match=f"^found {message}"):
        negative.predict(data)


ROOT = Path(__file__).parents[1]
ASK = (ROOT / "docs" / "using.md").read_text("utf-8").split("or one item without a list:\n")[1]


@pytest.mark.service
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.usefixtures("negative")
def test_mlflow_serves_a_model_and_the_documented_commands_work() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    model = ["-m", "models:/mnist-vae@champion", "--env-manager", "local", "--port", str(port)]
    mlflow_command = [sys.executable, "-m", "mlflow", "models", "serve", *model]
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        "MLFLOW_TRACKING_URI": tracking_uri(),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    Image.fromarray(PIXELS).save("noisy.png")
    lines = ASK.split("```sh\n")[1].split("```")[0].replace("5001", str(port))
    with open("log", "w") as log:  # noqa: PTH123
        server = subprocess.Popen(
            mlflow_command, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/ping", server)
        subprocess.run(["bash", "-ec", lines], env=environment, check=True)
        with Image.open("clean.png") as image:
            np.testing.assert_array_equal(np.asarray(image), 255 - PIXELS)
        images = (PIXELS[None, None] / 255).tolist()
        np.testing.assert_allclose(invoked(port, images)[1], 1 - np.array(images), atol=1e-6)
        np.testing.assert_array_equal(pixels(invoked(port, png())[1]), 255 - PIXELS)
        status, message = invoked(port, "no PNG")
        assert status == 400
        assert "found a string that is not a PNG in base64; allowed: floating-point" in message
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    """Wait until a server answers."""
    while server.poll() is None:
        try:
            with urlopen(address):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(Path("log").read_text())


def invoked(port: int, inputs: Any) -> tuple[int, Any]:
    """Return the status and the predictions, or the message, of MLflow's server."""
    request = Request(
        f"http://127.0.0.1:{port}/invocations",
        json.dumps({"inputs": inputs}).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urlopen(request) as answer:
            return answer.status, json.load(answer)["predictions"]
    except HTTPError as error:
        with error:
            return error.code, json.load(error)["message"]


def test_a_model_is_loaded_by_its_version_its_alias_or_its_run(
    repository: Path, client: MlflowClient
) -> None:
    module = Blur()
    with run_stage() as run:
        run.log_model(trained(module))
    client.set_registered_model_alias("mnist-vae", "champion", "1")
    images = np.random.default_rng(0).random((2, 1, 6, 6), dtype=np.float32)
    of_run = f"runs:/{run.id}/mnist-vae"
    for uri in ("models:/mnist-vae/1", "models:/mnist-vae@champion", of_run):
        loaded = registered.load(uri)
        assert loaded.name == "mnist-vae"
        assert (loaded.input_shape, loaded.output_shape) == ((1, 6, 6), (2, 6, 6))
        with torch.no_grad():
            expected = module(torch.from_numpy(images)).numpy()
        np.testing.assert_allclose(loaded.predict(images), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("mnist/vae", r"^--model: found 'mnist/vae'; allowed: models:/<name>/<version>, models:/"),
        ("models:/", r"^--model: found 'models:/'; allowed"),
        (
            "models:/mnist-vae/7",
            r"^--model: found 'models:/mnist-vae/7', which cannot be loaded fr",
        ),
        ("models:/mnist-vae@champion", r"mlflow.db \(.*mnist-vae.*\); allowed: models:/"),
        ("runs:/nothing/model", r"^--model: found 'runs:/nothing/model', which cannot be loaded"),
    ],
)
@pytest.mark.usefixtures("repository")
def test_a_missing_model_is_one_error(uri: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        registered.load(uri)
    assert len(str(caught.value).splitlines()) == 1


def test_evaluation_metrics_are_logged_to_the_newest_model_with_these_weights(
    client: MlflowClient,
) -> None:
    for _ in range(2):
        with run_stage() as training:
            training.log_model(trained(Blur()))
    with run_stage(Item("evaluate", "mnist", "vae")) as run:
        run.log_model_metrics(WEIGHTS, {"psnr": 17.0, "fid": math.nan})
        run.log_model_metrics("other weights", {"ssim": 0.5})
    logged = client.get_run(run.id).data.metrics
    assert (logged["psnr"], logged["ssim"]) == (17.0, 0.5)

    metrics = logged_model(client, training.id).metrics
    assert metrics is not None
    [psnr] = [metric for metric in metrics if metric.key == "psnr"]
    assert (psnr.value, psnr.run_id, psnr.dataset_name) == (17.0, run.id, "mnist")
    assert "ssim" not in {metric.key for metric in metrics}


def test_a_training_starts_from_the_weights_of_a_registered_version(
    client: MlflowClient, tmp_path: Path, repository: Path
) -> None:
    for content in (b"first", b"second"):
        weights = tmp_path / paths.WEIGHTS
        weights.write_bytes(content)
        with run_stage() as run:
            run.log(artifacts=[weights])
            run.log_model(trained(Blur()))
    client.set_registered_model_alias("mnist-vae", "champion", "1")
    assert registered.weights("models:/mnist-vae@champion") == b"first"
    assert registered.weights("models:/mnist-vae/2") == b"second"
    assert find_weights.watched("models:/mnist-vae@champion") == repository / "mlflow.db"
    for name in ("models:/mnist-vae@best", "models:/mnist-aae/1", "models:/mnist-vae"):
        with pytest.raises(UserError, match=rf"found '{name}', which cannot be loaded from MLflow"):
            registered.weights(name)


def test_reconstructions_of_each_epoch_are_images_of_the_run(client: MlflowClient) -> None:
    pictures = [np.full((4, 6, channels), 99, np.uint8) for channels in (1, 3)]
    with run_stage() as run:
        for epoch, picture in enumerate(pictures, 1):
            run.log_image(epoch, picture)
    names = [file.path for file in client.list_artifacts(run.id, "images")]
    for epoch, picture in enumerate(pictures, 1):
        [name] = [n for n in names if f"reconstructions+step+{epoch}+" in n and n.endswith(".png")]
        with Image.open(client.download_artifacts(run.id, name)) as image:
            assert np.asarray(image).reshape(picture.shape).tolist() == picture.tolist()


def test_an_onnx_file_is_a_file_of_the_run_unless_its_export_fails(
    client: MlflowClient, capsys: pytest.CaptureFixture[str]
) -> None:
    with run_stage() as run:
        run.log_onnx("mnist-vae.onnx", lambda: b"network")
        run.log_onnx("mnist-aae.onnx", lambda: bytes(1 // 0))
    assert [file.path for file in client.list_artifacts(run.id)] == ["mnist-vae.onnx"]
    assert client.get_run(run.id).info.status == "FINISHED"
    warning = "MLflow gets no ONNX file of train@mnist-vae: ZeroDivisionError"
    assert warning in capsys.readouterr().err


@pytest.mark.slow
def test_the_champion_is_the_best_version_on_the_same_test_images(
    client: MlflowClient, capsys: pytest.CaptureFixture[str]
) -> None:
    def version(number: int, metrics: dict[str, float], tested_on: str = "1" * 64) -> str:
        """Register a version and evaluate it; return the printed line."""
        model = replace(trained(Blur()), weights_sha256=str(number) * 64)
        with run_stage() as training:
            training.log_model(model)
        data = replace(DATA, test_sha256=tested_on)
        with run_stage(Item("evaluate", "mnist", "vae"), data=data) as run:
            run.log_model_metrics(model.weights_sha256, metrics)
        return capsys.readouterr().err.strip()

    def champion() -> str:
        return str(client.get_model_version_by_alias("mnist-vae", "champion").version)

    assert version(1, {"psnr": 17.0}) == ""
    assert champion() == "1"
    stays = "champion: models:/mnist-vae@champion stays version 1: version"
    assert version(2, {"psnr": 16.5}) == f"{stays} 2 has psnr 16.5, version 1 has 17"
    other = "was evaluated on another test set or by another metric"
    assert version(3, {"psnr": 18.0}, tested_on="2" * 64) == f"{stays} 3 {other}"
    assert version(4, {"psnr": 18.0, "elbo": -3.0}) == f"{stays} 4 {other}"
    assert champion() == "1"
    moves = "champion: models:/mnist-vae@champion is now version 5: it has psnr 17.5,"
    assert version(5, {"psnr": 17.5}) == f"{moves} version 1 has 17"
    assert champion() == "5"


class Branching(torch.nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images if images.mean() > 0.5 else -images


def test_a_model_that_cannot_be_exported_is_a_warning(
    client: MlflowClient, capsys: pytest.CaptureFixture[str]
) -> None:
    with run_stage() as run:
        run.log_model(trained(Branching()))
    [warning] = capsys.readouterr().err.splitlines()
    assert "train@mnist-vae" in warning
    assert client.get_run(run.id).info.status == "FINISHED"


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
def test_a_lost_server_is_one_warning_after_seconds(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    uri = f"http://user:secret@127.0.0.1:{closed_port()}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    started = time.monotonic()
    with run_stage() as run:
        for epoch in range(100):
            run.log_epoch(epoch, {"loss": 1.0})
        run.log_model(trained(Blur()))
        trained_anyway = True
    assert trained_anyway
    assert not run.id
    assert time.monotonic() - started < 20
    output, errors = capfd.readouterr()
    [warning] = errors.splitlines()
    assert output == ""
    assert "train@mnist-vae" in warning
    assert "autoencoders track" in warning
    assert "secret" not in warning


def test_tracking_that_is_lost_during_a_stage_does_not_end_it(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with run_stage() as run:
        run.log_epoch(0, {"loss": 1.0})
        (repository / "mlflow.db").write_bytes(b"no database")
        run.log_epoch(1, {"loss": 0.5})
        run.log_epoch(2, {"loss": 0.25})
    assert not run.id
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_database_that_cannot_be_opened_fails_soon(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "folder.db").mkdir()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///folder.db")
    started = time.monotonic()
    with run_stage() as run:
        pass
    assert not run.id
    assert time.monotonic() - started < 10
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.slow
def test_finished_runs_are_those_without_an_exception(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert finished_runs(EXPERIMENT) == set()
    with suppress(ValueError), run_stage() as run:
        run.log(tags=OUTPUTS)
        raise ValueError("halfway")
    assert (TRAIN.name, "abc") not in finished_runs(EXPERIMENT)
    with run_stage() as run:
        run.log(tags=OUTPUTS)
    assert (TRAIN.name, "abc") in finished_runs(EXPERIMENT)

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{closed_port()}")
    with pytest.raises(UserError, match="MLFLOW_TRACKING_URI"):
        finished_runs(EXPERIMENT)


@pytest.mark.parametrize(
    ("setting", "uri"),
    [
        (None, "sqlite:///{root}/mlflow.db"),
        ("sqlite:///runs.db", "sqlite:///{root}/runs.db"),
        ("sqlite:////elsewhere/runs.db", "sqlite:////elsewhere/runs.db"),
        ("https://example.org", "https://example.org"),
    ],
)
def test_the_tracking_uri_is_relative_to_the_root(
    setting: str | None, uri: str, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if setting:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", setting)
    assert tracking_uri() == uri.format(root=repository)


@pytest.mark.parametrize("name", ["q?r", "p%20q"])
def test_a_path_that_mlflow_would_misread_is_refused(
    name: str,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = repository.rename(repository.with_name(name))
    before = sorted(root.parent.rglob("*"))
    monkeypatch.setenv("DVC_ROOT", str(root))
    with run_stage() as run:
        pass
    assert not run.id
    [warning] = capsys.readouterr().err.splitlines()
    assert f"{root}/mlflow.db" in warning
    assert "MLFLOW_TRACKING_URI" in warning
    with pytest.raises(UserError, match="MLFLOW_TRACKING_URI"):
        finished_runs(EXPERIMENT)
    written = set(root.parent.rglob("*")) - set(before)
    assert written <= {root / "mlflow.db.lock"}


@pytest.mark.parametrize("name", ["h#i", "100%", "é; it's"])
def test_models_load_from_a_folder_with_special_characters(
    name: str, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = repository.rename(repository.with_name(name))
    monkeypatch.setenv("DVC_ROOT", str(root))
    with run_stage() as run:
        run.log_model(trained(Blur()))
    assert run.id
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{root}/mlflow.db")
    model = mlflow.pyfunc.load_model("models:/mnist-vae/1")
    assert model.predict(np.zeros((1, 1, 6, 6), np.float32)).shape == (1, 2, 6, 6)


def test_the_reason_is_the_first_cause_of_an_exception() -> None:
    database = sqlite3.OperationalError("database or disk is full")
    advice = "(raised as a result of Query-invoked autoflush; consider a no_autoflush block)"
    error = MlflowException(f"{advice}\n({database})\n[SQL: INSERT INTO runs]")
    error.__cause__ = database
    assert store.reason(error) == "OperationalError: database or disk is full"
    assert store.reason(ValueError("one,\nand two")) == "ValueError: one, and two"


def test_outside_dvc_the_root_is_the_folder_of_dvc_yaml(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DVC_ROOT")
    (repository / "dvc.yaml").touch()
    (repository / "reports").mkdir()
    monkeypatch.chdir(repository / "reports")
    assert tracking_uri() == f"sqlite:///{repository}/mlflow.db"


# --- changes to the store from outside


def texts(database: Path) -> set[str]:
    """Return all strings in a database."""
    with closing(sqlite3.connect(database)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        rows = [
            row
            for (table,) in tables.fetchall()
            for row in connection.execute(f"SELECT * FROM {table}")
        ]
    return {value for row in rows for value in row if isinstance(value, str)}


@pytest.mark.parametrize("how", ["moved", "copied"])
def test_a_moved_or_copied_store_keeps_its_own_artifacts(
    how: str, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run_stage() as run:
        run.log_model(trained(Blur()))
    elsewhere = repository.with_name("elsewhere")
    (shutil.move if how == "moved" else shutil.copytree)(repository, elsewhere)
    monkeypatch.setenv("DVC_ROOT", str(elsewhere))
    with run_stage(Item("prepare", "mnist")) as other:
        pass
    client = MlflowClient(f"sqlite:///{elsewhere}/mlflow.db")
    here = (elsewhere / "mlartifacts").as_uri()
    places = [client.get_run(found.id).info.artifact_uri for found in (run, other)]
    assert all(str(place).startswith(here) for place in places)
    left = repository.as_uri()
    assert not {text for text in texts(elsewhere / "mlflow.db") if left in text}
    if how == "copied":
        shutil.rmtree(repository)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{elsewhere}/mlflow.db")
    model = mlflow.pyfunc.load_model("models:/mnist-vae/1")
    assert model.predict(np.zeros((1, 1, 6, 6), np.float32)).shape == (1, 2, 6, 6)


def test_a_model_is_loaded_from_a_read_only_copy_of_the_repository(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run_stage() as run:
        run.log_model(trained(Blur()))
    elsewhere = repository.with_name("elsewhere")
    shutil.move(repository, elsewhere)
    (elsewhere / "mlflow.db.lock").unlink()
    monkeypatch.setenv("DVC_ROOT", str(elsewhere))
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)  # root may always write
    before = {path: path.read_bytes() for path in elsewhere.rglob("*") if path.is_file()}
    model = registered.load("models:/mnist-vae/1")
    assert model.predict(np.zeros((1, 1, 6, 6), np.float32)).shape == (1, 2, 6, 6)
    assert {path: path.read_bytes() for path in elsewhere.rglob("*") if path.is_file()} == before


def test_a_run_whose_parent_was_deleted_does_not_count(client: MlflowClient) -> None:
    def upload() -> None:
        with run_stage() as run:
            run.log(tags=OUTPUTS)

    upload()
    [parent] = runs_of(client, "configuration")
    client.delete_run(parent.info.run_id)
    assert finished_runs(EXPERIMENT) == set()
    upload()
    assert finished_runs(EXPERIMENT) == {(TRAIN.name, "abc")}


def test_a_run_whose_model_version_was_deleted_does_not_count(client: MlflowClient) -> None:
    def upload(module: torch.nn.Module) -> None:
        with run_stage() as run:
            run.log(tags=OUTPUTS)
            run.log_model(trained(module))

    upload(Blur())
    assert finished_runs(EXPERIMENT) == {(TRAIN.name, "abc")}
    client.delete_model_version("mnist-vae", "1")
    assert finished_runs(EXPERIMENT) == set()
    client.delete_registered_model("mnist-vae")
    assert finished_runs(EXPERIMENT) == set()
    upload(Branching())
    assert finished_runs(EXPERIMENT) == {(TRAIN.name, "abc")}, (
        "a model that cannot be exported has no version"
    )


def test_a_deleted_experiment_is_restored(
    client: MlflowClient, capsys: pytest.CaptureFixture[str]
) -> None:
    with run_stage():
        pass
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert experiment is not None
    client.delete_experiment(experiment.experiment_id)
    assert (TRAIN.name, "abc") not in finished_runs(EXPERIMENT)
    with run_stage() as run:
        run.log(tags=OUTPUTS)
    assert "is restored" in capsys.readouterr().err
    assert client.get_run(run.id).info.status == "FINISHED"
    assert (TRAIN.name, "abc") in finished_runs(EXPERIMENT)


LEFT = """
import os, signal
from autoencoders.pipeline import Item
from autoencoders.tracking import stage_run
arguments = {"params": {}, "configuration": {}, "experiment": "autoencoders"}
with stage_run(Item("train", "mnist", "vae"), **arguments) as run:
    print(run.id, run._run._parent_id, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_the_next_run_ends_a_run_whose_process_was_killed(client: MlflowClient) -> None:
    done = subprocess.run([sys.executable, "-c", LEFT], capture_output=True, text=True, check=False)
    left = done.stdout.split()
    assert [client.get_run(run).info.status for run in left] == ["RUNNING", "RUNNING"]
    with run_stage() as living, run_stage(Item("prepare", "mnist")):
        assert [client.get_run(run).info.status for run in left] == ["KILLED", "KILLED"]
        assert client.get_run(living.id).info.status == "RUNNING"


def test_a_process_is_identified_by_its_number_and_start() -> None:
    tags = provenance.process_tags()
    assert provenance.is_running(tags["process"])
    number, start = tags["process"].split("@")
    assert not provenance.is_running(f"{number}@{int(start) - 86400}")
    assert not provenance.is_running("")


ONE_STAGE = """
import sys
from autoencoders.pipeline import Item
from autoencoders.tracking import stage_run
with stage_run(Item(sys.argv[1]), params={}, configuration={"a": 1}, experiment="e"):
    pass
"""


@pytest.mark.slow
def test_two_processes_create_one_database_and_one_parent(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "mlflow.db").unlink()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ONE_STAGE, stage],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for stage in ("one", "two")
    ]
    assert [process.communicate()[0] for process in processes] == ["", ""]
    client = MlflowClient(f"sqlite:///{repository}/mlflow.db")
    experiment = client.get_experiment_by_name("e")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    assert sorted(run.data.tags["stage"] for run in runs) == ["configuration", "one", "two"]


# --- studies: one run with a nested run for each trial

STUDY = Item("sweep", "mnist", "vae")
VALUES = {"training.optimizers.model.lr": 0.001}
HISTORY = [{"epoch": float(epoch), "validation_mse": 1 / epoch} for epoch in (1, 2, 3)]


@dataclass
class Outcome:
    """The result of a trial, as in `studies.study`."""

    values: dict[str, Any] = field(default_factory=lambda: VALUES)
    history: list[dict[str, float]] = field(default_factory=lambda: HISTORY)
    metrics: dict[str, float] = field(default_factory=dict)
    error: str = ""
    seconds: float = 2.0


def run_study(**changes: Any) -> Any:
    arguments: dict[str, Any] = {"digest": "abc", "params": PARAMS, "experiment": EXPERIMENT}
    return study_run(STUDY, **(arguments | changes))


def trials_of(client: MlflowClient, study: str) -> dict[str, Run]:
    """Return the runs of a study's trials by their names."""
    experiment = client.get_run(study).info.experiment_id
    runs = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{study}'")
    return {str(run.info.run_name): run for run in runs}


def epochs_of(client: MlflowClient, run: Run) -> list[int]:
    """Return the epochs that a run has, in the order of logging."""
    return [m.step for m in client.get_metric_history(run.info.run_id, "validation_mse")]


def test_a_study_has_a_nested_run_for_each_trial(client: MlflowClient) -> None:
    with run_study() as study:
        for row in HISTORY:
            study.epoch("00000", VALUES, row)
        study.end("00000", Outcome(metrics={"psnr": 17.0, **HISTORY[2]}))
        study.end("00001", Outcome(history=[], error="RuntimeError: out\nof memory"))
    parent, trials = client.get_run(study.id), trials_of(client, study.id)
    assert (parent.info.run_name, parent.info.status) == ("sweep@mnist-vae", "FINISHED")
    assert parent.data.params["optimizer.lr"] == "0.001"
    good, bad = trials["sweep@mnist-vae/00000"], trials["sweep@mnist-vae/00001"]
    assert (good.info.status, bad.info.status) == ("FINISHED", "FAILED")
    assert good.data.params == {"training.optimizers.model.lr": "0.001"}
    assert good.data.metrics == {
        **{"epoch": 3.0, "validation_mse": 1 / 3},
        **{"best_epoch": 3.0, "best_validation_mse": 1 / 3, "psnr": 17.0, "seconds": 2.0},
    }
    assert epochs_of(client, good) == [1, 2, 3]
    assert bad.data.tags["error"] == "RuntimeError: out of memory"
    assert bad.data.tags["variant"] == "vae"


def test_a_study_has_the_intervals_or_the_best_trial(client: MlflowClient) -> None:
    with run_study() as study:
        study.log_intervals({"psnr": Interval(17.0, 0.5, 5)})
        study.log_best(VALUES, {"validation_mse": 0.25})
        study.log_best(VALUES | {"seed": 2}, {"validation_mse": 0.125})
    data = client.get_run(study.id).data
    intervals = {"psnr/mean": 17.0, "psnr/low": 16.5, "psnr/high": 17.5, "psnr/n": 5.0}
    assert data.metrics == intervals | {"best_validation_mse": 0.125}
    best = {"best.training.optimizers.model.lr": "0.001", "best.seed": "2"}
    assert data.tags.items() >= best.items()


def test_the_same_study_continues_in_its_runs(client: MlflowClient) -> None:
    with suppress(KeyboardInterrupt), run_study() as first:
        first.end("00000", Outcome())
        first.epoch("00001", VALUES, HISTORY[0])
        first.epoch("00001", VALUES, HISTORY[1])
        raise KeyboardInterrupt
    statuses = {run.info.status for run in trials_of(client, first.id).values()}
    assert (client.get_run(first.id).info.status, statuses) == ("KILLED", {"FINISHED", "KILLED"})
    with run_study() as again, run_study(digest="other") as other:
        assert client.get_run(again.id).info.status == "RUNNING"
        again.end("00000", Outcome())  # the engine may repeat what it has read from its files
        again.epoch("00001", VALUES, HISTORY[1])
        assert trials_of(client, again.id)["sweep@mnist-vae/00001"].info.status == "RUNNING"
        again.end("00001", Outcome())
    assert again.id == first.id != other.id
    trials = trials_of(client, again.id)
    assert {run.info.status for run in trials.values()} == {"FINISHED"}
    assert {name: epochs_of(client, run) for name, run in trials.items()} == {
        "sweep@mnist-vae/00000": [1, 2, 3],
        "sweep@mnist-vae/00001": [1, 2, 3],
    }
    seconds = client.get_metric_history(trials["sweep@mnist-vae/00000"].info.run_id, "seconds")
    assert len(seconds) == 1


KILLED_STUDY = """
import os, signal
from autoencoders.pipeline import Item
from autoencoders.tracking.study import study_run
with study_run(
    Item("sweep", "mnist", "vae"), digest="abc", params={}, experiment="autoencoders"
) as study:
    study.epoch("00000", {}, {"epoch": 1.0, "validation_mse": 1.0})
    print(study.id, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_a_study_continues_in_the_runs_of_a_killed_process(client: MlflowClient) -> None:
    command = [sys.executable, "-c", KILLED_STUDY]
    killed = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    with run_study() as study, run_stage():  # a stage ends the runs of killed processes
        assert study.id == killed
        study.end("00000", Outcome())
        assert client.get_run(killed).info.status == "RUNNING"
    [trial] = trials_of(client, killed).values()
    assert (trial.info.status, epochs_of(client, trial)) == ("FINISHED", [1, 2, 3])


def test_an_error_of_mlflow_does_not_end_a_study(
    client: MlflowClient, capsys: pytest.CaptureFixture[str]
) -> None:
    with run_study() as study:
        study.epoch("00000", VALUES, HISTORY[0])
        client.delete_run(study._run._trials["00000"].id)
        for row in HISTORY[1:]:
            study.epoch("00000", VALUES, row)
        study.end("00000", Outcome())
        study.log_best(VALUES, {})
    [warning] = capsys.readouterr().err.splitlines()
    assert "MLflow no longer tracks sweep@mnist-vae (" in warning
    assert warning.endswith("): the study continues without it")


# --- MLflow's private parts, as in MLflow 3.17


@pytest.mark.parametrize(("name", "value"), private.SETTINGS.items())
def test_mlflow_reads_the_settings_at_each_request(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert str(getattr(environment_variables, name).get()).lower() == value


def test_mlflow_has_the_same_names_of_a_tag_and_a_key() -> None:
    assert mlflow_tags.MLFLOW_MODEL_VERSIONS == private.VERSIONS_TAG
    assert mlflow.pyfunc.MODEL_CONFIG == "config"


def test_a_model_is_loaded_by_the_module_stored_with_it(negative: Any) -> None:
    assert negative.loader_module == "served_model"


@pytest.mark.parametrize("before", [None, "sqlite:///other.db"])
def test_the_default_store_is_reset(
    before: str | None, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if before:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", before)
    with private.default_store("sqlite:///here.db"):
        assert mlflow.get_tracking_uri() == "sqlite:///here.db"
    assert os.environ.get("MLFLOW_TRACKING_URI") == before
