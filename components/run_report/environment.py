"""How the report's templates are read, also by pages in its look."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from components.run_report import formats
from components.run_report.web import data_uri

ENVIRONMENT = Environment(
    loader=PackageLoader("components.run_report"),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=formats.harmless,
    trim_blocks=True,
    lstrip_blocks=True,
)
ENVIRONMENT.filters.update(
    number=formats.number,
    change=formats.change,
    heading=formats.heading,
    setting=formats.setting,
    bound=formats.bound,
    data_uri=data_uri,
)
