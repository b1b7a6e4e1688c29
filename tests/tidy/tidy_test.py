"""Plants violations in a temporary tree: tidy finds each of them, and nothing in a clean tree."""
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
from tidy import violations  # noqa: E402

HEADER = "// ledger/a.hpp — a thing.\n#pragma once\n"
BODY = "  int x = 1'000;  // system_clock in a comment\n"
CLEAN = {
    "ledger/a.hpp": HEADER + '#include "event_generated.h"\nclass A {\n public:\n'
                    "  int grow() {\n    return 1;\n  }\n};\n",
    "ledger/a.cpp": '#include "ledger/a.hpp"\n\nnamespace daicho {\nconst char* text = "std::cout, getenv";\n\n'
                    "A::A(int a,\n     int b)\n    : a_{a}, b_{b} {\n" + BODY * 50 + "}\n\n"
                    "const std::map<int, std::function<void(int)>> table = {\n" + "    {1, f},\n" * 100 + "};\n\n"
                    "const std::vector<std::function<void(int)>> more{\n" + "    f,\n" * 100 + "};\n"
                    "}  // namespace daicho\n",
    "commands/rules.cpp": 'const char* rules[] = {"R-BLK-1", "R-BLK-2"};  // R-BLK-99\n',
    "tools/main.cpp": '#include "commands/rules.hpp"\nint main() { std::cout << getenv("A"); }\n',
    "tests/commands/a_test.cpp": 'SCENARIO("R-BLK-1: one") {\n  if (x) {\n    f();\n  }\n  CHECK(true);\n}\n'
                                 'TEST_CASE("b") { check_that(1); }\n',
    "tools/routes.cpp": 'auto table = {\n    {"add-a", "an a", [](Fields& f) {}},\n};\n',
    "tests/commands/ladder_a_test.cpp": 'SCENARIO("R-BLK-1: add-a, rung by rung") { CHECK(1); }\n',
    "tests/scenarios/a.ndjson": '{"rule": "R-BLK-2"}\n',
    "tests/data/raw.bin": "\0\t /ro" + "ot/ \n",
    "docs/a.md": "# A `b` page\n## Two: words, more\n[x](#a-b-page) [y](b.md#two-words-more) [z](../tools/) `grow()`\n"
                 "```\n[no](nothing.md)\n```\nIn `[code](no.md)`, [w](https://example.org/wo" + "rk/).\n",
    "docs/b.md": "# B\n## Two: words, more\n",
}
LONG = "  f();\n"
# rule, file, its whole content (or what is put after its clean content), the line where the rule is broken
PLANTED = [
    ("file-size", "ledger/b.cpp", "//\n" * 501, 501),
    ("function-size", "ledger/b.cpp", "\nvoid g(int a,\n       int b) {\n" + LONG * 58 + "}\n", 2),
    ("function-size", "ledger/b.cpp", "class B {\n  void g() {\n" + LONG * 59 + "  }\n};\n", 2),
    ("function-size", "ledger/b.cpp", "B::B(int a)\n    : a_{a},\n      b_(a) {\n" + LONG * 57 + "}\n", 1),
    ("function-size", "tests/ledger/b_test.cpp", 'TEST_CASE("a") {\n' + "  CHECK(1);\n" * 119 + "}\n", 1),
    ("columns", "ledger/b.cpp", "//" + "x" * 119 + "\n", 1),
    ("white-space", "ledger/b.cpp", "int\tx;\n", 1),
    ("white-space", "docs/c.md", "text \n", 1),
    ("white-space", "ledger/b.cpp", "int x;", 1),
    ("include", "ledger/b.cpp", '#include "projections/a.hpp"\n', 1),
    ("include", "projections/b.cpp", '#include "commands/a.hpp"\n', 1),
    ("include", "commands/b.cpp", "#include <tools/a.hpp>\n", 1),
    ("include", "tools/b.cpp", '#include "tests/support/a.hpp"\n', 1),
    ("include", "tools/b.cpp", '#include "b.hpp"\n', 1),
    ("header", "ledger/b.hpp", "#pragma once\n", 1),
    ("header", "ledger/b.hpp", "// ledger/b.hpp — a thing without a guard: #pragma once\n", 1),
    ("assertion", "tests/ledger/b_test.cpp",
     'TEST_CASE("a") {\n  f();  // CHECK(1)\n}\nTEST_CASE("b") { CHECK(1); }\n', 1),
    ("assertion", "tests/ledger/b_test.cpp", 'TEST_CASE("a") { f(); }\nTEST_CASE("b") { CHECK(1); }\n', 1),
    ("switched-off", "tests/ledger/b_test.cpp", 'TEST_CASE("a" * doctest::skip()) { CHECK(1); }\n', 1),
    ("rule-tested", "commands/rules.cpp", 'auto r = "R-BLK-1";\nauto s = "R-BLK-11";\n', 2),
    ("laddered", "tools/routes.cpp", '    {"add-a", "an a"},\n    {"remove-a", "no a"},\n', 2),
    ("link", "docs/c.md", "\n[a](nothing.md)\n", 2),
    ("link", "docs/c.md", "[a](b.md#nothing)\n", 1),
    ("link", "docs/c.md", "[a]: ../../outside\n", 1),
    ("function-exists", "docs/c.md", "It calls `nowhere_at_all()`.\n", 1),
    ("machine", "docs/c.md", "In /wo" + "rk/main.\n", 1),
    ("machine", "dev", "cd /ho" + "me/me\n", 1),
    ("machine", "dev", "curl https://py" + "pi.org/simple\n", 1),
]
IMPURE = ["std::cout << 1;", "std::cerr << 1;", "printf(1);", "getenv(1);", "std::chrono::system_clock::now();",
          "steady_clock::now();", "std::random_device d;", "randombytes_buf(p, 1);", "std::time(nullptr);",
          "gettimeofday(p, q);", "clock_gettime(p, q);", "#include <iostream>", "rand();"]
PLANTED += [("purity", f"{folder}/b.cpp", f"\n{code}\n", 2)
            for folder in ("ledger", "projections", "commands") for code in IMPURE]


def write(root, files):
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


class Tidy(unittest.TestCase):
    def violations_with(self, extra):
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), CLEAN | extra)
            return violations(folder)

    def test_a_clean_tree_passes(self):
        self.assertEqual(self.violations_with({}), [])

    def test_each_planted_violation_is_found_and_nothing_else(self):
        for rule, path, text, line in PLANTED:
            with self.subTest(rule=rule, path=path, text=text[:60]):
                found = [(path, line, rule) for path, line, rule, _ in self.violations_with({path: text})]
                self.assertEqual(found, [(path, line, rule)])

    def test_what_is_at_a_limit_passes(self):
        at_limit = {
            "ledger/b.cpp": "void g() {\n" + LONG * 58 + "}\n",
            "ledger/c.cpp": "//\n" * 500,
            "ledger/d.cpp": "//" + "x" * 118 + "\n",
            "ledger/e.cpp": "int operand(int random);\nint strand(int);\nint x = snprintf(1);\n",
        }
        self.assertEqual(self.violations_with(at_limit), [])


if __name__ == "__main__":
    unittest.main()
