"""Tests of the checks of the site: python3 -m unittest discover -s ci/docs"""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import pages  # noqa: E402
from pages import Page  # noqa: E402


class Pages(unittest.TestCase):
    def setUp(self):
        self.root = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.root / "docs").mkdir()

    def write(self, path, text):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def faults(self, *given):
        return list(pages.faults(list(given), self.root))

    def test_anchors_are_those_of_github(self):
        page = Page("docs/a.md", "# What `main.cf` is, and why\n## [server] & more\n## Same\n## Same\n```sh\n# no heading\n```\n")
        self.assertEqual(page.anchors, {"what-maincf-is-and-why", "server--more", "same", "same-1"})

    def test_links_and_anchors_that_lead_nowhere_are_found(self):
        a = Page("docs/a.md", "# A\n[b](b.md#there) [b](b.md#gone)\n[c](c.md)\n[own](#a) [own](#z) [web](https://example.org/x)\n")
        b = Page("docs/b.md", "# There\n")
        self.assertEqual(
            self.faults(a, b),
            ["docs/a.md:2: docs/b.md has no heading #gone", "docs/a.md:3: there is no c.md", "docs/a.md:4: docs/a.md has no heading #z"],
        )

    def test_links_in_code_are_no_links(self):
        self.assertEqual(self.faults(Page("docs/a.md", "`[x](gone.md)`\n\n```toml\n# [x](gone.md)\n```\n")), [])

    def test_files_of_the_repository_may_be_linked(self):
        self.write("examples/a.toml", "")
        self.assertEqual(self.faults(Page("docs/a.md", "[a](../examples/a.toml) ![p](../examples/b.svg)")), ["docs/a.md:1: there is no ../examples/b.svg"])

    def test_blocks_are_read_in_their_language(self):
        page = Page("docs/a.md", 'x\n\n```toml\na = "b"\n```\n\n- y\n\n  ```toml\n  a =\n  ```\n\n```json\n{"a": }\n```\n')
        found = self.faults(page)
        self.assertEqual([fault.split(": ")[1] for fault in found], ["invalid TOML", "invalid JSON"])
        self.assertTrue(found[0].startswith("docs/a.md:9:") and found[1].startswith("docs/a.md:13:"), found)

    def test_the_summary_names_every_page(self):
        self.write("docs/SUMMARY.md", "# Summary\n\n[Home](../README.md)\n\n- [A](a.md)\n- [Gone](gone.md)\n<!-- pages: codes -->\n")
        for name in ("README.md", "docs/a.md", "docs/forgotten.md"):
            self.write(name, "")
        self.assertEqual(
            list(pages.missing({"sections": []}, self.root)),
            [
                "docs/SUMMARY.md: there is no gone.md",
                "docs/SUMMARY.md: there are no pages `codes`",
                "docs/SUMMARY.md: docs/forgotten.md is missing",
            ],
        )

    def test_the_summary_of_the_site_has_generated_pages(self):
        self.write("docs/SUMMARY.md", "[Home](../README.md)\n- [A](a.md)\n<!-- pages: codes -->\n")
        made = {"codes": [("todo", Page("codes/todo.md", "", True))]}
        self.assertEqual(pages.summary(made, self.root), "[Home](index.md)\n- [A](a.md)\n  - [todo](codes/todo.md)\n")

    def test_links_are_moved_with_their_page(self):
        for name in ("docs/a.md", "docs/adr/b.md", "README.md", "examples/c.toml", "docs/p.svg"):
            self.write(name, "")
        places = {"docs/a.md": "a.md", "docs/adr/b.md": "adr/b.md", "README.md": "index.md"}
        cases = {
            ("README.md", "[a](docs/a.md#x)"): "[a](a.md#x)",
            ("README.md", "![p](docs/p.svg)"): "![p](p.svg)",
            ("docs/adr/b.md", "[a](../a.md)"): "[a](../a.md)",
            ("docs/a.md", "[r](../README.md)"): "[r](index.md)",
            ("docs/a.md", "[c](../examples/c.toml)"): f"[c]({pages.SOURCE}examples/c.toml)",
            ("docs/a.md", "[w](https://example.org)"): "[w](https://example.org)",
            ("docs/a.md", "```sh\n[r](../README.md)\n```\n"): "```sh\n[r](../README.md)\n```\n",
        }
        for (path, text), expected in cases.items():
            self.assertEqual(pages.staged(Page(path, text), places, self.root), expected)


if __name__ == "__main__":
    unittest.main()
