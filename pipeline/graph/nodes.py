"""The nodes of a built graph: their ids, what their components declare, and what they are to a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from components.errors import UsageError
from components.traits import Traits
from pipeline.graph.roles import Role, roles_of

if TYPE_CHECKING:
    from tfx.orchestration.pipeline import Pipeline


@dataclass(frozen=True)
class Nodes:
    """By id, in the order in which the graph was put together: no node stands before one that it reads."""

    traits: Mapping[str, Traits]
    roles: Mapping[str, frozenset[Role]]
    """Of the nodes that have any."""

    @classmethod
    def of(cls, pipeline: Pipeline) -> Nodes:
        """Raises TypeError: a component declares no traits."""
        # Pipeline.components has an order of its own, by layers and names.
        components = pipeline.dsl_context_registry.all_nodes
        declared = {
            component.id: {key: channel.type_name for key, channel in component.outputs.items()}
            for component in components
        }
        return cls({component.id: _traits(component) for component in components}, roles_of(declared))

    @property
    def always_run(self) -> frozenset[str]:
        return frozenset(node for node, traits in self.traits.items() if traits.always_runs)

    def check(self, names: Iterable[str], where: str = "") -> None:
        """Raises UsageError: one of the names, which were found at `where`, is no node's."""
        for name in names:
            if name not in self.traits:
                found = f"{where}: {name}" if where else name
                raise UsageError(f"{found}: no such node. The nodes are {', '.join(self.traits)}")


def _traits(component: Any) -> Traits:
    traits = getattr(component, "traits", None)
    if not isinstance(traits, Traits):
        raise TypeError(
            f"{component.id}: {component.type} has traits {traits!r}, expected Traits(...): declare them as its class "
            "attribute, or of one of TFX's own where the stage makes it"
        )
    return traits
