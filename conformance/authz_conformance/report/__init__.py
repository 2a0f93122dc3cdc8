"""What a run leaves behind: one JSON document, and HTML, JUnit XML and Markdown made from it."""
