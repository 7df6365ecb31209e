"""The champion of a registered model, its best version: `models:/mnist-vae@champion`."""

from collections.abc import Mapping

from mlflow import MlflowClient

ALIAS = "champion"
COMPARED = ("elbo", "psnr")  # the first of these that is measured decides; higher is better
METRIC, VALUE, DATA = "tested.metric", "tested.value", "tested.sha256"  # tags of a version


def update_champion(
    client: MlflowClient, model_id: str, metrics: Mapping[str, float], test_sha256: str
) -> str | None:
    """Make a logged model's version the champion if it is better than the present champion.

    The first evaluated version becomes champion. A later one replaces it only if both were
    evaluated on the same test set, that of `test_sha256`, by the same metric, and it is better.

    Returns:
        One line about the decision; None if nothing was compared.
    """
    logged = client.get_logged_model(model_id)
    versions = client.search_model_versions(f"run_id = '{logged.source_run_id}'")
    registered = [version for version in versions if version.source == logged.artifact_location]
    metric = next((name for name in COMPARED if name in metrics), None)
    if not registered or metric is None:
        return None
    name, version = registered[0].name, str(registered[0].version)
    value = metrics[metric]
    for tag, content in ((METRIC, metric), (VALUE, repr(value)), (DATA, test_sha256)):
        client.set_model_version_tag(name, version, tag, content)
    champion = client.get_registered_model(name).aliases.get(ALIAS)
    if champion is None:
        client.set_registered_model_alias(name, ALIAS, version)
        return None
    if str(champion) == version:
        return None
    tags = client.get_model_version(name, str(champion)).tags
    stays = f"models:/{name}@{ALIAS} stays version {champion}"
    if (tags.get(METRIC), tags.get(DATA)) != (metric, test_sha256):
        return f"{stays}: version {version} was evaluated on another test set or by another metric"
    before = float(tags[VALUE])
    compared = f"{metric} {value:.4g}, version {champion} has {before:.4g}"
    if not value > before:
        return f"{stays}: version {version} has {compared}"
    client.set_registered_model_alias(name, ALIAS, version)
    return f"models:/{name}@{ALIAS} is now version {version}: it has {compared}"
