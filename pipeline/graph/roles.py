"""What nodes are to a run, by the artifacts that they declare: a compiled pipeline says no more of its components."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

T = TypeVar("T")


class Role(Enum):
    """The node that leaves an artifact of this type under this key."""

    EXAMPLES = ("examples", "Examples")
    TRAINING = ("model_run", "ModelRun")
    EVALUATION = ("evaluation", "ModelEvaluation")
    SERVING_CHECK = ("blessing", "InfraBlessing")
    PUSH = ("pushed_model", "PushedModel")
    REPORT = ("report", "maskline.RunReport")

    def __init__(self, key: str, type_name: str) -> None:
        self.key = key
        self.type_name = type_name


def roles_of(declared: Mapping[str, Mapping[str, str]]) -> dict[str, Role]:
    """The roles of nodes by the types of their outputs by key, in the order given; most nodes have none."""
    return {node: role for node, types in declared.items() for role in Role if types.get(role.key) == role.type_name}


def in_role(node: str, outputs: Mapping[str, T], roles: Mapping[str, Role]) -> dict[Role, T]:
    """Of the outputs by key of a node that which it has left in its role; empty where there is none."""
    role = roles.get(node)
    return {role: outputs[role.key]} if role and role.key in outputs else {}


def final_nodes(roles: Mapping[str, Role]) -> frozenset[str]:
    """Of each role the node by which a run is judged: the last.

    What is made of several, as of folds, runs after them: by its inputs or by `add_upstream_node`.
    """
    return frozenset({role: node for node, role in roles.items()}.values())
