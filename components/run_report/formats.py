"""How the page shows numbers, names and limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from components.measures.measure import Measure
from components.visible import visible_lines


def heading(measure: Measure) -> str:
    title = measure.title[:1].upper() + measure.title[1:]
    return f"{title} ({measure.unit})" if measure.unit else title


def number(value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.3f}"


def bound(limit: Mapping[str, Any]) -> str:
    """What a limit asks for."""
    end = ", end of the interval" if limit.get("bound") == "lower" else ""
    if limit["change"]:
        return f"change, margin {limit['margin']:g}{end}"
    key, cases = "at_least" if limit["at_most"] is None else "at_most", limit["least_n"]
    return f"{key.replace('_', ' ')} {limit[key]:g}{end}" + (f", {cases} cases" if cases > 1 else "")


def change(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3f}"


def harmless(value: Any) -> Any:
    """What a name or a message holds that browsers would obey, or may not have in a page; what is markup is ours."""
    return visible_lines(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def setting(value: Any) -> str:
    """Of an operating point."""
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)
