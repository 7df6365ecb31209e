"""What DVC knows of the pipeline: what waits for what, and what `dvc repro` would run."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from autoencoders import dependencies
from autoencoders.errors import UserError


@dataclass(frozen=True)
class State:
    """The stages of dvc.yaml that targets need, by their names.

    Attributes:
        upstream: those that each waits for, as it reads what they write.
        outdated: those that `dvc repro` would run, as far as can be said before: their params,
            sources, inputs or outputs are not what dvc.lock has, or those of a stage before them.
    """

    upstream: Mapping[str, frozenset[str]]
    outdated: frozenset[str]

    @property
    def up_to_date(self) -> frozenset[str]:
        """Return those whose outputs are of this configuration.

        Whatever else lies there came with a clone, or from another configuration.
        """
        return frozenset(self.upstream) - self.outdated


def look(targets: Sequence[str] = ()) -> State:
    """Ask DVC, about all stages or those that `targets` and what they wait for name.

    The stage `sources` has run then, as all others wait for it and few for what it changes.

    Raises:
        UserError: DVC cannot say, as for an unknown target, or while it runs.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    logging.getLogger("dvc").setLevel(logging.CRITICAL)  # as `dvc --quiet`: no progress bars
    try:
        with Repo() as repo:
            if repo.status(targets=["sources"]):
                dependencies.write()
                repo.commit("sources", force=True)
            graph = repo.index.graph
            upstream = {
                stage.addressing: frozenset(before.addressing for before in graph[stage])
                for stage in repo.index.stages
            }
            wanted = [stage.addressing for t in targets for stage in repo.stage.collect(t)]
            changed = frozenset(repo.status())
    except DvcException as error:
        reason = " ".join(str(error).split())
        raise UserError(f"DVC cannot say what is to be run ({reason}): mend that first") from error
    needed = _closure(wanted or upstream, upstream)
    return State(
        {name: before for name, before in upstream.items() if name in needed},
        _outdated(upstream, changed) & needed,
    )


def _closure(names: Iterable[str], upstream: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Return stages and all that they wait for."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += upstream[name]
    return frozenset(found)


def _outdated(upstream: Mapping[str, frozenset[str]], changed: frozenset[str]) -> frozenset[str]:
    """Return changed stages, and all that wait for one."""
    return frozenset(name for name in upstream if _closure([name], upstream) & changed)
