"""All bad inputs, a module for each kind."""

from tests.faults.bad import (
    arguments,
    commands,
    environment,
    files,
    folders,
    images,
    params,
    requests,
)
from tests.faults.case import Case

KINDS = (params, files, folders, images, environment, arguments, commands, requests)
CASES: tuple[Case, ...] = tuple(case for kind in KINDS for case in kind.CASES)
