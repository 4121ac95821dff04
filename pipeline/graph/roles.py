"""What nodes are to a run, by the artifacts that they declare: a compiled pipeline says no more of its components."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import Enum
from typing import TypeVar

T = TypeVar("T")


class Role(Enum):
    """The node that leaves an artifact of this type under this key."""

    EXAMPLES = ("examples", "Examples")
    TRAINING = ("model_run", "ModelRun")
    OUT_OF_FOLD = ("out_of_fold", "ModelEvaluation")
    EVALUATION = ("evaluation", "ModelEvaluation")
    ENGINES = ("engines", "maskline.Engines")
    SERVING_CHECK = ("blessing", "InfraBlessing")
    PUSH = ("pushed_model", "PushedModel")
    REPORT = ("report", "maskline.RunReport")

    def __init__(self, key: str, type_name: str) -> None:
        self.key = key
        self.type_name = type_name


def roles_of(declared: Mapping[str, Mapping[str, str]]) -> dict[str, frozenset[Role]]:
    """The roles of nodes by the types of their outputs by key, in the order given; nodes without one are left out."""
    found = {
        node: frozenset(role for role in Role if types.get(role.key) == role.type_name)
        for node, types in declared.items()
    }
    return {node: roles for node, roles in found.items() if roles}


def in_roles(node: str, outputs: Mapping[str, T], roles: Mapping[str, Collection[Role]]) -> dict[Role, T]:
    """Of the outputs by key of a node those that it has left in a role; empty where there is none."""
    return {role: outputs[role.key] for role in roles.get(node, ()) if role.key in outputs}


def final_nodes(roles: Mapping[str, Collection[Role]]) -> dict[Role, str]:
    """Of each role the node by which a run is judged: the last.

    What is made of several, as of folds, runs after them: by its inputs or by `add_upstream_node`.
    """
    return {role: node for node, found in roles.items() for role in found}
