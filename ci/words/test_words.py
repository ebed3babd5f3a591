"""Tests of the check of words: python3 -m unittest discover -s ci/words"""

import importlib.machinery
import importlib.util
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from texts import sentences, texts  # noqa: E402

loader = importlib.machinery.SourceFileLoader("words", str(HERE / "run"))
words = importlib.util.module_from_spec(importlib.util.spec_from_loader("words", loader))
sys.modules["words"] = words
loader.exec_module(words)

# For each pattern of patterns.tsv, by its advice: a sentence that has it, and one that is close and right.
SAMPLES = {
    "name the actor and begin with it, or use a noun": ("Who is in trusted may send", "Which client sends the mail?"),
    "anyone who; any": ("it takes mail from whoever asks", "it takes mail from clients"),
    'name the person: "the user", "the client"': ("the domain for whom it relays", "tell the owner"),
    'say what happens: "X is not ...", "only X ..."': ("nobody has that address", "the user nobody owns it"),
    "postscreen": ("the guard answers", "a guarded port"),
    "defer": ("it puts mail off", "offline mail"),
    "backend": ("the servers behind refuse it", "the server behaves"),
    "MX hosts": ("to the servers that DNS names", "DNS has the name"),
    "CA bundle": ("the bundle of authorities", "a bundle of files"),
    "metrics, numbers": ("it writes figures", "it figured"),
    "login": ("a log-in fails", "it logs in"),
    "authenticated": ("clients that proved who they are", "the certificate proves it"),
    "submit": ("users hand in mail", "a handle in a table"),
    "smarthost, outgoing mail": ("policy of the way out", "the way through"),
    "active, applied": ("what is in force", "a reinforced host"),
    "apply, take effect": ("comes into force", "a force into it"),
    "message, text, syntax": ("with the words of the server", "words in a list"),
    "Postfix syntax": ("in Postfix's own words", "in Postfix syntax"),
    "programs receive, trust, connect to": ("the client hears it", "she heard"),
    "query, look up, check": ("the database is asked", "a task"),
    "query, request, look up": ("it asks DNS", "apt asks the user"),
    "receive, report": ("milters are told", "it is tolerated"),
    "is, is in, follows": ("it stands in a file", "it stands for a name"),
    "next to, in addition to": ("the file beside it", "besides"),
    "after, following": ("an option behind its place", "behind NAT"),
    "is in": ("the file lies in /etc", "a client in /etc"),
    "different, else, instead": ("unless it says otherwise", "other wise words"),
    "differs": ("its digest is another", "another digest"),
    "fix": ("what mends it", "recommend"),
    "remove": ("take it out", "takeout"),
    "belongs in": ("it belongs into a file", "it belongs in a file"),
    "has": ("it has not got one", "it got one"),
    "check, validate": ("check judges it", "a judgement"),
    "only": ("nothing but mail", "nothing, but mail"),
    "a sentence of its own": ("Nor does it wait", "neither this nor that"),
    "split the sentence": ("one; two; three; four", "one; two; three"),
    "they, their; it, its": ("by his address", "this address"),
    "also, in front of the verb": ("as JSON, too", "it is too late"),
    "nevertheless, anyway": ("it leaves all the same", "all of the same kind"),
    "automatically, alone": ("it goes by itself", "by its name"),
    "separate, per-host": ("a place of its own and a name", "the name of its own host"),
}


class Patterns(unittest.TestCase):
    def test_each_pattern_finds_its_sample_and_not_the_neighbour(self):
        by_advice = {}
        for _, pattern, advice in words.Rules().patterns:
            by_advice.setdefault(advice, []).append(pattern)
        self.assertEqual(set(by_advice), set(SAMPLES))
        for advice, (bad, good) in SAMPLES.items():
            self.assertTrue(any(pattern.search(bad) for pattern in by_advice[advice]), bad)
            self.assertFalse(any(pattern.search(good) for pattern in by_advice[advice]), good)

    def test_each_pattern_has_a_rule_of_the_guide(self):
        for rule, _, _ in words.Rules().patterns:
            self.assertIn(int(rule), range(1, 17))


class Extraction(unittest.TestCase):
    def lines(self, path, content):
        return [(text.kind, text.text, text.line(0)) for text in texts(path, content)]

    def test_a_page_has_no_code(self):
        content = "# Title\n\nIt is `in force`\nhere.\n\n```sh\nbeside\n```\n- one\n- two\n\n| a | b c |\n"
        self.assertEqual(
            self.lines("docs/a.md", content),
            [
                ("heading", "Title", 1),
                ("paragraph", "It is §§§§§§§§§§ here.", 3),
                ("paragraph", "one", 9),
                ("paragraph", "two", 10),
                ("cell", "a", 12),
                ("cell", "b c", 12),
            ],
        )

    def test_indented_code_is_no_text(self):
        self.assertEqual(self.lines("a.md", "one\n\n    in force\n\ntwo\n"), [("paragraph", "one", 1), ("paragraph", "two", 5)])

    def test_a_fence_ends_where_it_ends(self):
        self.assertEqual(self.lines("a.md", "````\n```\nin force\n````\nafter\n"), [("paragraph", "after", 5)])

    def test_rust_has_comments_and_long_literals(self):
        content = (
            '/// Reads `x`,\n/// and more.\nfn a<\'a>() {\n    // why it is\n    b("one", \'"\', "must not contain \\\n'
            '      spaces here", r#"a "raw" long text"#);\n}\n\n#[cfg(test)]\nmod tests {\n    // in force\n}\n'
        )
        self.assertEqual(
            self.lines("src/a.rs", content),
            [
                ("doc", "Reads §§§, and more.", 1),
                ("comment", "why it is", 4),
                ("string", "must not contain spaces here", 5),
                ("string", 'a "raw" long text', 6),
            ],
        )

    def test_toml_tsv_and_host_texts(self):
        self.assertEqual(
            self.lines("pkg/a.toml", '# a comment\nnote = "one two three"\nname = "ses"\n'),
            [("comment", "a comment", 1), ("string", "one two three", 2)],
        )
        self.assertEqual(self.lines("pkg/a.tsv", "name\tone two three\n"), [("cell", "one two three", 1)])
        self.assertEqual(
            self.lines("templates/host/a.sh", '#!/bin/sh\n# why\necho "one two three"\n'),
            [("comment", "why", 2), ("string", "one two three", 3)],
        )
        self.assertEqual(self.lines("templates/host/a.8", ".B foo\nIt is here now.\n")[1], ("paragraph", "It is here now.", 2))

    def test_sentences_keep_their_offsets(self):
        text = "It is, e.g. here. *Then* this? §§§ that."
        for start, sentence in sentences(text):
            self.assertEqual(text[start : start + len(sentence)], sentence)
        self.assertEqual(len(list(sentences(text))), 3)

    def test_a_sentence_may_begin_with_the_name_of_a_program(self):
        text = "It is there. apt installs it, e.g. postpack. What apt. removes?"
        self.assertEqual([sentence for _, sentence in sentences(text)], ["It is there.", "apt installs it, e.g. postpack.", "What apt. removes?"])


class Program(unittest.TestCase):
    def rules(self, patterns, exceptions=""):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (folder / "patterns.tsv").write_text(patterns)
        (folder / "exceptions.tsv").write_text(exceptions)
        return words.Rules(folder)

    def test_a_finding_names_the_line_within_a_paragraph(self):
        [found] = self.rules("7\t\\bmends\\b\tfix\n").findings("docs/a.md", "One\ntwo mends it.\n")
        self.assertEqual(str(found), "docs/a.md:2: rule 7: `mends`: fix")

    def test_a_pattern_reaches_across_lines(self):
        found = list(self.rules("3\tin force\tactive\n").findings("docs/a.md", "It is in\nforce.\n"))
        self.assertEqual(len(found), 1)

    def test_an_exception_covers_its_words_only(self):
        rules = self.rules("7\t\\bmends\\b\tfix\n", "docs/a.md\tit mends\ta quotation\n")
        found = list(rules.findings("docs/a.md", "Here it mends, there she mends.\n"))
        self.assertEqual(len(found), 1)
        self.assertEqual(rules.exceptions, {("docs/a.md", "it mends"): 1})

    def test_a_table_with_a_missing_cell_is_refused(self):
        with self.assertRaisesRegex(words.Unreadable, r":1: expected 3 columns with text, found 2"):
            self.rules("7\tmends\n")

    def test_long_sentences_are_found_in_pages(self):
        rules = self.rules("")
        found = list(rules.findings("docs/a.md", "word " * 25 + "end.\n"))
        self.assertEqual([finding.rule for finding in found], ["9"])
        self.assertEqual(list(rules.findings("docs/a.md", "word " * 24 + "end.\n")), [])

    def test_a_list_of_links_may_be_long(self):
        rules, links = self.rules(""), ", ".join(f"[the page {number}](a.md)" for number in range(10))
        self.assertEqual(list(rules.findings("docs/a.md", f"- Guides: {links}\n")), [])
        self.assertEqual(len(list(rules.findings("docs/a.md", "word " * words.LONGEST + f"see {links}\n"))), 1)
        self.assertEqual(len(list(rules.findings("docs/a.md", "[" + "word " * 25 + "end](a.md)\n"))), 1)

    def test_the_program_reports_and_exits_with_1(self):
        done = subprocess.run([HERE / "run", "ci/words/none"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_scope(self):
        for path in ("README.md", "docs/adr/0001-a.md", "src/a/b.rs", "pkg/a/b.tsv", "templates/host/lib/a.sh"):
            self.assertTrue(words.SCOPE.match(path), path)
        for path in ("src/a/snapshots/a.snap", "tests/a.rs", "docs/spec.schema.json"):
            self.assertFalse(words.SCOPE.match(path), path)
        self.assertTrue(words.TESTS.search("src/a/tests.rs") and words.TESTS.search("src/keys_tests.rs"))
        self.assertFalse(re.search(words.TESTS, "src/attests.rs"))


if __name__ == "__main__":
    unittest.main()
