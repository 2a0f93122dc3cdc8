"""The report for people: one HTML file of its own, made from the JSON document of a run.

It knows the document and the vocabulary of the catalogue, no run and no target. Whatever a server sent is text in it.
"""

from authz_conformance.report.page.rendering import html

__all__ = ["html"]
