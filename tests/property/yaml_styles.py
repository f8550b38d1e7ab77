"""Writes documents in random styles, without the code under test."""

import json
from collections.abc import Mapping
from random import Random
from typing import Any

__all__ = ["Renderer"]

_TRAPS = frozenset(["no", "null", "yes", "true", "false", "on", "off", "nan", "inf", "n", "y"])


class Renderer:
    """Writes a document in a style drawn from a seed. Comments hold every sign that could mislead."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311
        self.step = self.random.choice([1, 2, 2, 2, 4])
        self.newline = self.random.choice(["\n", "\n", "\r\n"])
        self.noise = self.random.choice([0.0, 0.2, 0.5])

    def document(self, values: dict[str, Any]) -> bytes:
        """The whole file."""
        if not values:
            lines = [self.random.choice(["", "# nothing", "{}", "---", "--- {}"])]
        elif self._chance(0.15):
            lines = [self._flow(values, 0)]
        else:
            lines = self._block(values, self.random.choice([0, 0, 0, 2]))
        if self._chance(0.2) and not lines[0].startswith("---"):
            lines = [*self._comments(0), "---" + self._trailing(), *lines]
        if self._chance(0.1) and values:
            lines.append("...")
        end = self.newline if self._chance(0.8) else ""
        text = self.newline.join([*self._comments(0), *lines]) + end
        if self._chance(0.3):
            text += self.newline.join(["", *self._comments(0)])
        text = text.replace("\r\n", "\n").replace("\n", self.newline)
        return (b"\xef\xbb\xbf" if self._chance(0.1) else b"") + text.encode()

    def _chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def _comments(self, column: int) -> list[str]:
        """Own lines between keys."""
        if not self._chance(self.noise):
            return []
        choices = ["", " " * column + "# a: 1", " " * column + '#"quote', " " * column + "# é {", "   "]
        return self.random.choices(choices, k=self.random.randint(1, 3))

    def _trailing(self) -> str:
        """Behind a value."""
        return self.random.choice(["  # a: b", " # {", "   ", " #'"]) if self._chance(self.noise) else ""

    def _block(self, values: Mapping[str, Any], column: int) -> list[str]:
        lines: list[str] = []
        for key, value in values.items():
            lines += self._comments(column)
            pad = " " * column
            name = self._key(key, False)
            start = f"{pad}? {name}{self._trailing()}\n{pad}:" if self._chance(0.05) else f"{pad}{name}:"
            gap = self.random.choice([" ", " ", "  "])
            if isinstance(value, dict) and value and not self._chance(0.3):
                lines.append(start + self._trailing())
                lines += self._block(value, column + self.step)
            elif isinstance(value, list) and value and not self._chance(0.3):
                lines.append(start + self._trailing())
                inside = " " * (column + self.random.choice([0, self.step]) * ("?" not in start))
                inside = " " * (column + self.step) if "?" in start else inside
                lines += [f"{inside}- {self._scalar(item, False)}{self._trailing()}" for item in value]
            elif value is None and self._chance(0.5):
                lines.append(start + self._trailing())
            elif isinstance(value, str) and self._is_block_text(value):
                sign = self.random.choice("|>") if "\n" not in value else "|"
                lines.append(f"{start} {sign}-{self._trailing()}")
                lines += [f"{pad}{' ' * self.step}{line}" for line in value.split("\n")]
            elif self._chance(0.1) and not isinstance(value, dict | list):
                lines.append(f"{start} # next line")
                lines.append(f"{pad}{' ' * self.step}{self._scalar(value, False)}{self._trailing()}")
            else:
                lines.append(f"{start}{gap}{self._flow(value, column + self.step)}{self._trailing()}")
        return lines

    def _is_block_text(self, text: str) -> bool:
        """Whether it can and will be written as a block."""
        return text.isprintable() and bool(text.strip()) and text == text.strip() and self._chance(0.2)

    def _flow(self, value: Any, column: int) -> str:
        if not isinstance(value, dict | list):
            return self._scalar(value, column > 0)
        brackets = "{}" if isinstance(value, dict) else "[]"
        items = (
            [self._pair(k, v, column) for k, v in value.items()]
            if isinstance(value, dict)
            else [self._flow(item, column + 1) for item in value]
        )
        pad = self.random.choice(["", "", " "])
        if not items:
            return brackets[0] + pad + brackets[1]
        end = self.random.choice(["", "", ","])
        if self._chance(0.3):
            inside = "\n" + " " * (column + 1)
            lines = [f"{item},{self._trailing()}" for item in items[:-1]]
            lines.append(items[-1] + end + self._trailing())
            body = inside + inside.join(lines) + "\n" + " " * max(column, 1)
            return brackets[0] + body + brackets[1]
        return (
            brackets[0] + pad + self.random.choice([", ", ", ", ",  "]).join(items) + end + pad + brackets[1]
        )

    def _pair(self, key: str, value: Any, column: int) -> str:
        if value is None and self._chance(0.5):
            return self._key(key, True) + self.random.choice([": ", ""])
        return f"{self._key(key, True)}: {self._flow(value, column + 1)}"

    def _key(self, key: str, in_flow: bool) -> str:
        return self._text(key, in_flow)

    def _scalar(self, value: Any, in_flow: bool) -> str:
        match value:
            case None:
                return self.random.choice(["null", "~"])
            case bool():
                return self.random.choice(["true", "True"] if value else ["false", "FALSE"])
            case str():
                return self._text(value, in_flow)
            case _:
                return repr(value)

    def _text(self, text: str, in_flow: bool) -> str:
        """Plain only where nothing could go wrong; json writes what YAML reads."""
        simple = text.replace("-", "").replace(".", "").replace(" ", "")
        is_word = simple.isalpha() and simple.isascii() and text == text.strip() and text[0].isalpha()
        if is_word and text.lower() not in _TRAPS and self._chance(0.5):
            return text
        if text.isprintable() and self._chance(0.4):
            return "'" + text.replace("'", "''") + "'"
        if text.isprintable() and self._chance(0.5):
            return json.dumps(text, ensure_ascii=False)
        return '"' + "".join(f"\\U{ord(sign):08x}" if not sign.isalnum() else sign for sign in text) + '"'
