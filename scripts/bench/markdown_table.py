"""A table in Markdown."""


def markdown_table(header, rows):
    """A table with these columns; numbers and words are not changed."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"
