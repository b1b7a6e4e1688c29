"""Random histories of the product beside an independent slow model of the rules: every answer is compared.

usage: python3 tests/cli/slow_model.py <path of daicho> [--seed N] [--rounds N] [--commands N]
                                        [--coverage]"""
import argparse
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.append(str(Path(__file__).resolve().parents[1]))
from model.compare import Disagreement, Pair, instant  # noqa: E402
from model.history import History  # noqa: E402
from support.program import START, Ledger, Program, Report  # noqa: E402


def run_history(program, directory, seed, commands, report):
    ledger = Ledger(program, directory)
    pair = Pair(ledger, instant(START))
    history = History(pair, random.Random(seed))
    try:
        history.run(commands)
        report.equal(pair.close(), 0, f"seed {seed}: exit of play")
        report.equal(ledger.run("audit", "verify").code, 0, f"seed {seed}: audit verify")
        report.equal(ledger.run("replay").code, 0, f"seed {seed}: replay")
    except Disagreement as found:
        report.check(False, f"seed {seed}, command {pair.commands}: {found}")
        for line in pair.lines[-8:]:
            print(f"  {line}")
        pair.process.kill()
        pair.process.wait()
    return pair


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--commands", type=int, default=200)
    parser.add_argument("--coverage", action="store_true", help="print which answers came up, and how often")
    asked = parser.parse_args()
    report, commands, queries, met = Report("slow model"), 0, 0, Counter()
    for seed in range(asked.seed, asked.seed + asked.rounds):
        with tempfile.TemporaryDirectory(prefix="daicho-model-") as directory:
            pair = run_history(Program(asked.program), Path(directory) / "ledger", seed, asked.commands, report)
        commands, queries, met = commands + pair.commands, queries + pair.queries, met + pair.met
    for answer, times in sorted(met.items()) if asked.coverage else ():
        print(f"{times:6} {answer}")
    print(f"{asked.rounds} histories, {commands} commands, {queries} queries compared")
    report.finish()


if __name__ == "__main__":
    main()
