"""What DVC knows of the pipeline: what waits for what, and what `dvc repro` would run."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import networkx as nx
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.rwlock import RWLOCK_FILE, RWLockFileCorruptedError

from autoencoders import dependencies
from autoencoders.errors import UserError


class State(NamedTuple):
    """The stages of dvc.yaml that targets need, by their names.

    Attributes:
        to_run: those that `dvc repro` would run, as far as can be said before: their params,
            sources, inputs or outputs are not what dvc.lock has, or those of a stage before them.
            In the order of dvc.yaml; an edge leads from each to one that it waits for.
        up_to_date: the others, whose outputs are of this configuration. Whatever else lies there
            came with a clone, or from another configuration.
    """

    to_run: "nx.DiGraph[str]"
    up_to_date: frozenset[str]


def read_state(targets: Sequence[str] = ()) -> State:
    """Ask DVC, about all stages or those that `targets` and what they wait for name.

    The stage `sources` has run then, as all others wait for it and few for what it changes.

    Raises:
        UserError: DVC cannot say, as for an unknown target, or while it runs.
    """
    logging.getLogger("dvc").setLevel(logging.CRITICAL)  # as `dvc --quiet`: no progress bars
    try:
        with Repo() as repo:
            if repo.status(targets=["sources"]):
                dependencies.write()
                repo.commit("sources", force=True)
            graph = nx.relabel_nodes(repo.index.graph, lambda stage: stage.addressing)
            wanted = {stage.addressing for t in targets for stage in repo.stage.collect(t)}
            changed = set(repo.status()) & set(graph)
    except RWLockFileCorruptedError:  # Ctrl-C came while another `dvc` wrote it
        Path(repo.tmp_dir, RWLOCK_FILE).unlink()
        return read_state(targets)
    except DvcException as error:
        reason = " ".join(str(error).split())
        raise UserError(f"DVC cannot say what is to be run ({reason}): mend that first") from error
    outdated = changed.union(*(nx.ancestors(graph, name) for name in changed))
    if targets:
        needed = wanted.union(*(nx.descendants(graph, name) for name in wanted))
        graph.remove_nodes_from(set(graph) - needed)
    up_to_date = frozenset(graph) - outdated
    graph.remove_nodes_from(up_to_date)
    return State(graph, up_to_date)
