"""Fill the tables in docs/ with the results of the benchmarks and the network's metrics.

    python benchmarks/report.py [--check]

Reads   benchmarks/results/*.json, which each benchmark writes with --save
        pretrained/metrics.json
Writes  docs/*.md, the text between <!-- table NAME --> and <!-- end -->
"""

import json
import os
import platform
import re
import sys
import textwrap
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

# All benchmarks import this module before the project's packages, which are beside their folder
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from common.command_line import Parser, run
from common.errors import fail

ROOT = Path(__file__).resolve().parents[1]
RESULTS, DOCUMENTS = ROOT / "benchmarks/results", sorted((ROOT / "docs").glob("*.md"))
LIBRARIES = ["numpy", "pillow", "opencv-python", "keras", "tensorflow", "jax", "torch"]
# Columns of the short form of a table, which is called NAME_short
SHORT = {"webcam_speed": ["frame", "faces", "frames/s", "plain, frames/s", "ratio"]}
MARK = r"<!-- table (\S+) -->\n(.*?)<!-- end -->"


class Table:
    """A table that a benchmark prints as Markdown, row by row, and saves for docs/."""

    def __init__(self, name: str, *columns: str):
        self.name, self.columns = name, list(columns)
        self.rows: list[list[str]] = []
        print(markdown(self.columns, []), end="", flush=True)

    def add(self, *cells: object) -> None:
        self.rows.append([str(cell) for cell in cells])
        print(line(self.rows[-1]), end="", flush=True)

    def save(self, wanted: bool, *facts: str) -> None:
        """Print `facts` and the machine. If `wanted`, write the table to benchmarks/results/."""
        all_facts = [*facts, *machine()]
        print(f"\n{', '.join(all_facts)}\n", flush=True)
        if wanted:
            RESULTS.mkdir(exist_ok=True)
            kept = {"columns": self.columns, "rows": self.rows, "facts": all_facts}
            text = json.dumps(kept, indent=1, ensure_ascii=False)
            (RESULTS / f"{self.name}.json").write_text(text + "\n", encoding="utf-8")


def add_save(parser: Parser) -> None:
    """Add the option --save, which `Table.save` takes."""
    parser.add_argument("--save", action="store_true", help="save the table for docs/")


def machine() -> list[str]:
    """Describe the machine: cores, processor, Python and installed libraries."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    # On ARM this file names no model
    if cpuinfo.exists() and (found := re.search(r"model name\s*: (.*)", cpuinfo.read_text())):
        name = found[1]
    facts = [f"{os.cpu_count()} cores of {name}", f"Python {platform.python_version()}"]
    for library in LIBRARIES:
        try:
            facts.append(f"{library} {version(library)}")
        except PackageNotFoundError:
            continue
    return facts


def line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def markdown(columns: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    return line(columns) + "|" + "---|" * len(columns) + "\n" + "".join(map(line, rows))


def network_tables() -> dict[str, str]:
    """Return {name: table} from pretrained/metrics.json."""
    metrics = json.loads((ROOT / "pretrained/metrics.json").read_text(encoding="utf-8"))
    rules = metrics["val"]
    figures = ["n", "accuracy", "macro_recall", "macro_f1", "weighted_f1", "calibration_error"]
    figures = [name for name in figures if name in rules["majority"]]
    titles = [name.replace("_", " ").replace("f1", "F1") for name in figures]
    accuracy = [
        [rule, *(shown(rules[rule][name]) for name in figures)]
        for rule in ("plurality", "majority")
    ]
    emotions = [
        [emotion, *(shown(row[name]) for name in ("support", "precision", "recall", "f1-score"))]
        for emotion, row in rules["majority"]["per_class"].items()
    ]
    clean = metrics["corruptions"][0]["accuracy"]
    corruptions = [
        [
            one["corruption"],
            f"{one['severity']:.3g}",
            shown(one["accuracy"]),
            f"{one['accuracy'] - clean:+.3f}",
            shown(one["calibration_error"]),
        ]
        for one in metrics["corruptions"]
    ]
    plain, shipped = metrics["adjustment_curve"][0], rules["majority"]
    balance = [
        [name, shown(before), shown(after), f"{after - before:+.3f}"]
        for name, before, after in [
            ("accuracy", plain["accuracy"], shipped["accuracy"]),
            ("macro recall", plain["macro_recall"], shipped["macro_recall"]),
            *(
                (f"recall, {emotion}", recall, shipped["per_class"][emotion]["recall"])
                for emotion, recall in plain["recall"].items()
            ),
        ]
    ]
    corruption = ["corruption", "severity", "accuracy", "difference", "calibration error"]
    strengths = ["0", f"{metrics['logit_adjustment']:.2f}, as shipped"]
    return {
        "network": markdown(["labels by", *titles], accuracy),
        "emotions": markdown(["", "faces", "precision", "recall", "F1"], emotions),
        "balance": markdown(["logit adjustment", *strengths, "difference"], balance),
        "corruptions": markdown(corruption, corruptions),
    }


def shown(figure: float) -> str:
    """Format a count with grouped digits, and a share with three decimals."""
    return f"{figure:,.0f}" if float(figure).is_integer() and figure > 1 else f"{figure:.3f}"


def read_tables() -> dict[str, str]:
    """Return {name: table} from all saved results."""
    tables = network_tables()
    for path in sorted(RESULTS.glob("*.json")):
        kept = json.loads(path.read_text(encoding="utf-8"))
        facts = textwrap.fill(f"({', '.join(kept['facts'])}.)", 120)
        tables[path.stem] = f"{markdown(kept['columns'], kept['rows'])}\n{facts}\n"
        if chosen := SHORT.get(path.stem):
            places = [kept["columns"].index(column) for column in chosen]
            rows = [[row[place] for place in places] for row in kept["rows"]]
            tables[f"{path.stem}_short"] = markdown(chosen, rows)
    return tables


def remake(document: Path, tables: dict[str, str]) -> str:
    """Return a document with its tables filled in. Raises UserError for a table without results."""

    def replace(found: re.Match) -> str:
        if found[1] not in tables:
            fail(document, f"table {found[1]}: no figures", "run that benchmark with --save")
        return f"<!-- table {found[1]} -->\n{tables[found[1]]}<!-- end -->"

    return re.sub(MARK, replace, document.read_text(encoding="utf-8"), flags=re.DOTALL)


def main() -> None:
    parser = Parser(__doc__)
    check = "write nothing; fail if a table does not match its figures"
    parser.add_argument("--check", action="store_true", help=check)
    args = parser.parse_args()
    tables = read_tables()
    for document in DOCUMENTS:
        text = remake(document, tables)
        if not args.check:
            document.write_text(text, encoding="utf-8")
        elif text != document.read_text(encoding="utf-8"):
            fail(
                document,
                "its tables are not those of the figures",
                "run `python benchmarks/report.py`",
            )


if __name__ == "__main__":
    run(main)
