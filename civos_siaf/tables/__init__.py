"""The papers' tables, run again: what each cell needs, our figures beside the published ones."""

from civos_siaf.tables.costs import Bench, measure_interactive, measure_objects, measure_parts
from civos_siaf.tables.layout import Cell, Row, Table, table
from civos_siaf.tables.models import Models, Role
from civos_siaf.tables.output import own_notes, provenance, write_table
from civos_siaf.tables.own_rows import OWN, with_own_rows
from civos_siaf.tables.reproduction import CellJob, Reproduction, Results
from civos_siaf.tables.runs import CannotRunError, Measure, Run
from civos_siaf.tables.trends import Trend

__all__ = [
    "OWN",
    "Bench",
    "CannotRunError",
    "Cell",
    "CellJob",
    "Measure",
    "Models",
    "Reproduction",
    "Results",
    "Role",
    "Row",
    "Run",
    "Table",
    "Trend",
    "measure_interactive",
    "measure_objects",
    "measure_parts",
    "own_notes",
    "provenance",
    "table",
    "with_own_rows",
    "write_table",
]
