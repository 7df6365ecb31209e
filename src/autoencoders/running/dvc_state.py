"""The state of the pipeline according to DVC: the dependencies and the outdated stages."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import networkx as nx
from dvc.exceptions import DvcException, NoOutputOrStageError
from dvc.repo import Repo
from dvc.rwlock import RWLOCK_FILE, RWLockFileCorruptedError
from dvc.stage.exceptions import StageNotFound

from autoencoders import dependencies
from autoencoders.errors import UserError


class State(NamedTuple):
    """The stages of dvc.yaml that targets need, by name.

    Attributes:
        to_run: the outdated stages: their params, sources, inputs or outputs differ from dvc.lock,
            or they depend on an outdated stage. In the order of dvc.yaml; edges lead from a stage
            to its dependencies.
        up_to_date: the others. Their outputs belong to this configuration; other outputs on the
            disk come from a clone or another configuration.
    """

    to_run: "nx.DiGraph[str]"
    up_to_date: frozenset[str]


def read_state(targets: Sequence[str] = ()) -> State:
    """Return the state of `targets` and their dependencies, or of all stages.

    This also runs the stage `sources`, because each stage depends on one of the lists it writes.

    Raises:
        UserError: DVC fails, for example because of an unknown target or while it runs elsewhere.
    """
    logging.getLogger("dvc").setLevel(logging.CRITICAL)  # no progress bars, as with `dvc --quiet`
    dependencies.remove_dead_links()
    try:
        with Repo() as repo:
            if repo.status(targets=["sources"]):
                dependencies.write()
                with repo.lock:
                    [sources] = repo.stage.collect("sources")
                    # Lists also depend on initial weights, so the cache of runs must not have them.
                    sources.save(run_cache=False)
                    sources.dump(update_pipeline=False)
            graph = nx.relabel_nodes(repo.index.graph, lambda stage: stage.addressing)
            targeted = {stage.addressing for t in targets for stage in repo.stage.collect(t)}
            changed = set(repo.status()) & set(graph)
    except RWLockFileCorruptedError:  # Ctrl-C interrupted another `dvc` that wrote it
        Path(repo.tmp_dir, RWLOCK_FILE).unlink()
        return read_state(targets)
    except DvcException as error:
        reason = " ".join(str(error).split())
        unknown = isinstance(error, NoOutputOrStageError | StageNotFound)
        advice = "; `dvc stage list` prints all stages" if unknown else ""
        raise UserError(f"DVC cannot read the stages: {reason}{advice}") from error
    outdated = changed.union(*(nx.ancestors(graph, name) for name in changed))
    if targets:
        needed = targeted.union(*(nx.descendants(graph, name) for name in targeted))
        graph.remove_nodes_from(set(graph) - needed)
    up_to_date = frozenset(graph) - outdated
    graph.remove_nodes_from(up_to_date)
    return State(graph, up_to_date)
