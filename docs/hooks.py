"""Lets pages link to anything in the repository, and the repository's own texts be pages.

A link is written as it works on GitHub. Here it becomes one to the page, the copied picture, or the file on GitHub; one
that leads nowhere fails the build.
"""

import json
import logging
import posixpath
import re
from pathlib import Path
from urllib.parse import urlsplit

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
SOURCE = "https://github.com/MedCLIPSeg/SlicerMedCLIPSeg"
PAGES = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "model-card.md": "MedCLIPSegLogic/Resources/Models/mini/README.md",
    "notebook.md": "docs/notebook.ipynb",
}
"""Page and the text of the repository it shows."""
LINK = re.compile(r"(?<=\]\()[^)\s]+(?=\))")
ROLE = re.compile(r":(?:class|func|mod|meth|data):(?=<code)")
"""What docstrings put before a name and Markdown does not know."""
log = logging.getLogger("mkdocs.hooks.links")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the repository's own texts and all pictures outside of the documentation that a page may show."""
    for page, text in PAGES.items():
        is_notebook = text.endswith(".ipynb")
        content = {"content": _markdown_of(ROOT / text)} if is_notebook else {"abs_src_path": str(ROOT / text)}
        files.append(File.generated(config, page, **content))
    for picture in [*ROOT.glob("Resources/**/*.png"), *ROOT.glob("MedCLIPSegLogic/Resources/Models/*/*.png")]:
        name = picture.relative_to(ROOT).as_posix()
        files.append(File.generated(config, name, abs_src_path=str(picture)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links of the repository into links of the site."""
    text = PAGES.get(page.file.src_uri, f"docs/{page.file.src_uri}")

    def turned(match: re.Match[str]) -> str:
        link = urlsplit(match[0])
        if link.scheme or link.netloc or not link.path:
            return match[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(text), link.path))
        site = next((name for name, source in PAGES.items() if source == path), path.removeprefix("docs/"))
        anchor = f"#{link.fragment}" if link.fragment else ""
        if files.get_file_from_path(site) is not None:
            return posixpath.relpath(site, posixpath.dirname(page.file.src_uri) or ".") + anchor
        if not (ROOT / path).exists():
            log.warning("%s links to %s, which is not there", text, link.path)
        kind = "tree" if (ROOT / path).is_dir() else "blob"
        return f"{SOURCE}/{kind}/main/{path}{anchor}"

    return LINK.sub(turned, markdown)


def _markdown_of(notebook: Path) -> str:
    """The texts and the code of a notebook."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    texts = [(cell["cell_type"], "".join(cell["source"])) for cell in cells]
    return "\n\n".join(f"```python\n{text}\n```" if kind == "code" else text for kind, text in texts) + "\n"


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Leave the name alone where a docstring has a role before it."""
    return ROLE.sub("", html)
