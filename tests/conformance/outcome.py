"""What became of one case."""
import dataclasses


class Skip(Exception):
    """The case cannot be run from outside; the text says why."""


@dataclasses.dataclass
class Outcome:
    name: str
    findings: list = dataclasses.field(default_factory=list)     # unexplained
    differences: list = dataclasses.field(default_factory=list)  # (rule, finding)
    skipped: str = ""

    @property
    def passed(self):
        return not self.findings and not self.skipped
