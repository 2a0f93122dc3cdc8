"""The requirement catalogue: every rule that a server, client or peer is judged by, as data.

`rules/` holds the rules, a file for each source; `coverage/` what the documents say, statement by statement, with
the rules that hold a target to it. Nothing here knows how a rule is tested.
"""

from authz_conformance.catalogue.capabilities import Capability
from authz_conformance.catalogue.loading import CATALOGUE_DIRECTORY, load_catalogue
from authz_conformance.catalogue.reading import CatalogueError
from authz_conformance.catalogue.rule import Catalogue, Coverage, Place, Rule, Source, Statement, coverage
from authz_conformance.catalogue.vocabulary import Document, Group, Level, Profile, Role

__all__ = [
    "CATALOGUE_DIRECTORY",
    "Capability",
    "Catalogue",
    "CatalogueError",
    "Coverage",
    "Document",
    "Group",
    "Level",
    "Place",
    "Profile",
    "Role",
    "Rule",
    "Source",
    "Statement",
    "coverage",
    "load_catalogue",
]
