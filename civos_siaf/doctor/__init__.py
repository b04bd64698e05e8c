"""What can be run here, and what is missing: machine, weights, data sets, methods, tables."""

from civos_siaf.doctor.examination import Examination, examine
from civos_siaf.doctor.text import report

__all__ = ["Examination", "examine", "report"]
