"""What a run leaves behind: one JSON document, and JUnit XML and Markdown made from it."""
