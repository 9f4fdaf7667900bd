"""A table in Markdown."""


def markdown_table(header, rows):
    """A table of these columns; numbers and words stand as they are."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"
