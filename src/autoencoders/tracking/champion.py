"""Which version of a registered model is its champion: `models:/mnist-vae@champion`."""

from collections.abc import Mapping

from mlflow import MlflowClient

ALIAS = "champion"
COMPARED = ("elbo", "psnr")  # the first of these that a model has; more of it is better
METRIC, VALUE, DATA = "tested.metric", "tested.value", "tested.sha256"  # tags of a version


def update_champion(
    client: MlflowClient, model_id: str, metrics: Mapping[str, float], test_sha256: str
) -> str | None:
    """Give a logged model's version the alias if it is better than the one that has it.

    The first version that is tested gets it. Another one does only if both were tested on the same
    images, those of `test_sha256`, by the same metric.

    Returns:
        What became of it, in a line; None where there was nothing to decide.
    """
    logged = client.get_logged_model(model_id)
    of_run = client.search_model_versions(f"run_id = '{logged.source_run_id}'")
    registered = [version for version in of_run if version.source == logged.artifact_location]
    metric = next((name for name in COMPARED if name in metrics), None)
    if not registered or metric is None:
        return None
    name, version = registered[0].name, str(registered[0].version)
    value = metrics[metric]
    for tag, content in ((METRIC, metric), (VALUE, repr(value)), (DATA, test_sha256)):
        client.set_model_version_tag(name, version, tag, content)
    reigning = client.get_registered_model(name).aliases.get(ALIAS)
    if reigning is None:
        client.set_registered_model_alias(name, ALIAS, version)
        return None
    if str(reigning) == version:
        return None
    tags = client.get_model_version(name, str(reigning)).tags
    stays = f"models:/{name}@{ALIAS} stays version {reigning}"
    if (tags.get(METRIC), tags.get(DATA)) != (metric, test_sha256):
        return f"{stays}: version {version} was tested on other images, or by another metric"
    before = float(tags[VALUE])
    compared = f"{metric} {value:.4g}, and {before:.4g} of version {reigning}"
    if not value > before:
        return f"{stays}: version {version} has {compared}"
    client.set_registered_model_alias(name, ALIAS, version)
    return f"models:/{name}@{ALIAS} is now version {version}, with {compared}"
