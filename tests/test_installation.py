"""The base installation: ready networks without torch, MLflow and a repository."""

import json
import os
import subprocess
import sys
import time
import venv
from collections.abc import Sequence
from pathlib import Path
from urllib.request import Request

import numpy as np
import pytest
from PIL import Image

from autoencoders import ready
from benchmarks import copies
from tests.saved import ROOT
from tests.serving.server import ask

# Packages of [pipeline]; the base installation does not have them.
MISSING = (
    *("torch", "torchvision", "mlflow", "dvc", "onnx", "safetensors", "pandas", "matplotlib"),
    *("sklearn", "skimage", "networkx", "rich", "yaml", "jinja2"),
)
MAIN = f"""
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {MISSING}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocker())
from autoencoders.cli import main
sys.exit(main())
"""


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", MAIN, *arguments]


def base(folder: Path, *arguments: str) -> tuple[int, list[str], list[str]]:
    """Run a command without those packages; return exit code, output and errors as lines."""
    done = subprocess.run(
        command(*arguments), cwd=folder, env=environment(), capture_output=True, text=True
    )
    return done.returncode, done.stdout.splitlines(), done.stderr.splitlines()


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "scan.png")
    transparent = np.stack([pixels, pixels, pixels, (pixels > 128) * np.uint8(255)], 2)
    Image.fromarray(transparent).save(tmp_path / "transparent.png")
    return tmp_path


@pytest.mark.slow
def test_ready_networks_work_in_any_folder(scan: Path) -> None:
    code, lines, errors = base(scan, "models")
    assert (code, errors) == (0, [])
    assert [line.split()[0] for line in lines] == ["NAME", *ready.names()]

    out = scan / "out"
    names = ("scan", "transparent")
    assert base(scan, "apply", "mnist_denoise", *(f"{n}.png" for n in names), "--to", "out") == (
        0,
        [str(out / f"{n}-mnist_denoise.png") for n in names],
        [],
    )
    assert base(scan, "encode", "mnist_vae", "scan.png", "--to", "z.csv") == (
        0,
        [str(scan / "z.csv")],
        [],
    )
    header, row = (scan / "z.csv").read_text("utf-8").splitlines()
    assert header == '"path","class","z0","z1"'
    assert np.isfinite([float(number) for number in row.split(",")[2:]]).all()


@pytest.mark.slow
def test_a_seed_determines_the_images_of_a_ready_network(scan: Path) -> None:
    for folder, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        sample = ("sample", "mnist_vae", "--count", "2", "--seed", seed, "--to", folder)
        code, lines, _ = base(scan, *sample)
        assert code == 0
        names = [f"mnist_vae-prior-{seed}-0000{i}.png" for i in range(2)]
        assert lines == [str(scan / folder / name) for name in names]
    first, again, other = (
        Image.open(scan / folder / f"mnist_vae-prior-{seed}-00001.png").tobytes()
        for folder, seed in (("a", "3"), ("b", "3"), ("c", "4"))
    )
    assert first == again != other


@pytest.mark.slow
def test_a_ready_network_is_served_with_its_latents(scan: Path) -> None:
    serve = command("serve", "mnist_vae", "--port", "0")
    with subprocess.Popen(serve, cwd=scan, env=environment(), stdout=-1, text=True) as process:
        try:
            assert process.stdout
            line = process.stdout.readline()
            assert line.startswith("mnist_vae: http://127.0.0.1:")
            address = line.split()[1]
            image = (scan / "scan.png").read_bytes()
            assert ask(Request(f"{address}/apply", image))[:2] == (200, "image/png")
            latent = json.loads(ask(Request(f"{address}/encode", image))[2])
            assert ask(Request(f"{address}/decode", json.dumps(latent).encode()))[0] == 200
            plane = json.loads(ask(f"{address}/latent")[2])
            assert [axis["index"] for axis in plane["axes"]] == [0, 1]
        finally:
            process.terminate()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("apply", "mnits_denoise", "scan.png", "--to", "out"),
            "found 'mnits_denoise'; did you mean 'mnist_denoise'?; allowed: a name that "
            "`autoencoders models` lists, or <dataset>/<variant> of a repository",
        ),
        (
            ("encode", "mnist_denoise", "scan.png", "--to", "z.csv"),
            "mnist_denoise has no latents of its own, because they contain the image; allowed: ",
        ),
        (
            ("sample", "mnist_autoencoder", "--to", "out"),
            "mnist_autoencoder has no prior to draw from; allowed: ",
        ),
        (
            ("sample", "mnist_vae", "--sampler", "mixture", "--to", "out"),
            "--sampler: found 'mixture'; allowed: prior, because ready networks have no training ",
        ),
        (("models", "mnist_vea"), "found 'mnist_vea'; did you mean 'mnist_vae'?; allowed: "),
        (("sources",), "no dvc.yaml in "),
        (
            ("apply", "mnist/vae", "scan.png", "--to", "out"),
            "torch is missing, which the base installation does not contain: run `make setup`, or "
            "`pip install '.[pipeline]'`, in a clone of the repository",
        ),
    ],
)
def test_what_needs_more_is_one_line(scan: Path, arguments: Sequence[str], message: str) -> None:
    code, lines, (error,) = base(scan, *arguments)
    assert (code, lines) == (1, [])
    assert error.startswith(f"error: {message}")
    assert {path.name for path in scan.iterdir()} == {"scan.png", "transparent.png"}


@pytest.mark.service
def test_a_wheel_in_an_empty_environment(scan: Path) -> None:
    """pip fetches the packages of the base installation from the registry."""
    copies.copy_working_tree(ROOT, scan / "copy")
    build = (
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        "dist",
        "./copy",
    )
    subprocess.run([sys.executable, "-m", "pip", *build], cwd=scan, check=True)
    (wheel,) = (scan / "dist").iterdir()
    venv.create(scan / "new", with_pip=True)
    folder = scan / "new" / ("Scripts" if os.name == "nt" else "bin")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    seconds = []
    for program in (
        (folder / "python", "-m", "pip", "install", "--quiet", wheel),
        (folder / "autoencoders", "apply", "photo_denoise_blind", "scan.png", "--to", "out"),
        (folder / "autoencoders", "apply", "photo_denoise_blind", "scan.png", "--to", "out"),
    ):
        start = time.monotonic()
        subprocess.run(program, cwd=scan, env=clean, check=True)
        seconds.append(time.monotonic() - start)
    print("seconds: installation {:.0f}, first use {:.1f}, second use {:.1f}".format(*seconds))
    assert (scan / "out/scan-photo_denoise_blind.png").exists()
    assert seconds[1] < 60
    assert not list((scan / "new").rglob("torch-*.dist-info"))
