import pkgutil
import subprocess
import sys

from autoencoders import images


def test_image_modules_do_not_import_torch() -> None:
    names = [
        f"autoencoders.images.{module.name}" for module in pkgutil.iter_modules(images.__path__)
    ]
    script = f"import sys, {', '.join(names)};"
    script += "print({'torch', 'torchvision', 'pandas', 'mlflow'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
