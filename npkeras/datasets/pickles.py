"""Pickled data, read without a pickle machine.

A pickle is a small program: each byte tells a stack machine what to do, and some of these
bytes call whatever function the file names. The reader below follows the same bytes but can
only build whole numbers, texts, lists and tuples, and recognise the three names by which
NumPy marks an array. Names are compared, never looked up. Any other byte ends the reading
with its name. A kind of file that holds more than this has a reader that takes more.

Source: the opcodes are those of protocols 2 to 4, as listed by Python's `pickletools`.
"""

from __future__ import annotations

import contextlib
import pickletools
import struct
from collections.abc import Iterator
from typing import Any

_ARRAY = "numpy _reconstruct"
_NAMES = {
    ("numpy.core.multiarray", "_reconstruct"): _ARRAY,
    ("numpy._core.multiarray", "_reconstruct"): _ARRAY,
    ("numpy", "ndarray"): "numpy ndarray",
    ("numpy", "dtype"): "numpy dtype",
    ("_codecs", "encode"): "_codecs encode",  # how protocol 2 writes the bytes b"b"
}
_WORDS = {code.code: code.name for code in pickletools.opcodes}
_INT1, _INT2 = ord("K"), ord("M")


class _Name(str):
    """A name the file mentions, among those allowed."""


class Made:
    """What the file calls one of its names for: an array or a dtype; BUILD gives it its state."""

    def __init__(self, name: str):
        self.name = name
        self.state: Any = None


class Reader:
    """The stack machine, on one pickle; a class of it is for one kind of file."""

    wanted = "list of whole numbers"
    dtypes: tuple[str, ...] = ("O8", "O4", "O")
    steps: dict[int, Any]

    def __init__(self, data: bytes):
        self.data = data
        self.at = 0
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.done = False

    def run(self) -> Any:
        data, at = self.data, 0
        while not self.done:
            append = self.stack.append
            # nearly every byte belongs to a number below 65,536: they are not worth a call each
            while True:
                code = data[at]
                if code == _INT1:
                    append(data[at + 1])
                    at += 2
                elif code == _INT2:
                    append(data[at + 1] | data[at + 2] << 8)
                    at += 3
                else:
                    break
            self.at = at + 1
            step = self.steps.get(code)
            if step is None:
                word = _WORDS.get(chr(code), f"byte {code}")
                raise ValueError(f"the opcode {word} at byte {at} builds no {self.wanted}")
            step(self)
            at = self.at
        if self.stack or self.below:
            raise ValueError("it ends with values left over")
        return self.result

    def take(self, count: int) -> bytes:
        piece = self.data[self.at : self.at + count]
        if len(piece) != count:
            raise IndexError(f"{count} bytes wanted")
        self.at += count
        return piece

    def number(self, layout: str) -> int:
        return struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout)))[0]

    def line(self) -> str:
        end = self.data.index(b"\n", self.at, self.at + 256)
        return self.take(end + 1 - self.at)[:-1].decode("ascii")

    def since_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.below.pop()
        return items

    def begin(self) -> None:
        protocol = self.number("B")
        if not 2 <= protocol <= 4:
            raise ValueError(f"its pickle protocol is {protocol}; 2 to 4 are read")

    def mark(self) -> None:
        self.below.append(self.stack)
        self.stack = []

    def long(self) -> None:
        size = self.number("B")
        if size > 8:
            raise ValueError(f"it holds a whole number of {size} bytes; up to 8 are read")
        self.stack.append(int.from_bytes(self.take(size), "little", signed=True))

    def tuple_of(self, count: int) -> None:
        if len(self.stack) < count:
            raise IndexError("too few values for a tuple")
        self.stack[-count:] = [tuple(self.stack[-count:])]

    def tuple_since_mark(self) -> None:
        items = tuple(self.since_mark())  # since_mark changes which stack is the stack
        self.stack.append(items)

    def extend(self, items: list[Any]) -> None:
        if type(self.stack[-1]) is not list:
            raise ValueError("values are appended to something that is no list")
        self.stack[-1].extend(items)

    def name(self, module: Any, name: Any) -> None:
        if not type(module) is type(name) is str:
            raise ValueError("it names something by what is no text")
        known = _NAMES.get((module, name))
        if known is None:
            raise ValueError(f"it names {module[:40]}.{name[:40]}, which is not allowed")
        self.stack.append(_Name(known))

    def call(self) -> None:
        arguments, name = self.stack.pop(), self.stack.pop()
        if not isinstance(name, _Name) or type(arguments) is not tuple:
            raise ValueError("the opcode REDUCE calls something that is no name")
        if name == "_codecs encode" and all(type(text) is str for text in arguments):
            self.stack.append(arguments[0].encode("latin-1"))
        elif name == _ARRAY and arguments[:1] == ("numpy ndarray",):
            self.stack.append(Made("array"))
        elif name == "numpy dtype" and arguments[:1] in [(one,) for one in self.dtypes]:
            self.stack.append(Made("dtype"))
        else:
            # not shown: a few bytes can build values whose text would fill the memory
            raise ValueError(f"the opcode REDUCE calls {name} with other arguments than an array's")

    def build(self) -> None:
        state, made = self.stack.pop(), self.stack[-1]
        if not isinstance(made, Made) or type(state) is not tuple:
            raise ValueError("the opcode BUILD fills in something that is no array")
        made.state = state

    def stop(self) -> None:
        self.done, self.result = True, self.stack.pop()


STEPS: dict[int, Any] = {
    ord(opcode): step
    for opcode, step in {
        "\x80": Reader.begin,
        "\x95": lambda reader: reader.take(8),  # FRAME: a length, of use to streams only
        "(": Reader.mark,
        ".": Reader.stop,
        "J": lambda reader: reader.stack.append(reader.number("i")),
        "\x8a": Reader.long,
        "N": lambda reader: reader.stack.append(None),
        "\x88": lambda reader: reader.stack.append(True),
        "\x89": lambda reader: reader.stack.append(False),
        "C": lambda reader: reader.stack.append(reader.take(reader.number("B"))),
        "U": lambda reader: reader.stack.append(reader.take(reader.number("B")).decode("latin-1")),
        "X": lambda reader: reader.stack.append(reader.take(reader.number("I")).decode("utf-8")),
        "\x8c": lambda reader: reader.stack.append(reader.take(reader.number("B")).decode("utf-8")),
        "]": lambda reader: reader.stack.append([]),
        "a": lambda reader: reader.extend([reader.stack.pop()]),
        "e": lambda reader: reader.extend(reader.since_mark()),
        ")": lambda reader: reader.stack.append(()),
        "t": Reader.tuple_since_mark,
        "\x85": lambda reader: reader.tuple_of(1),
        "\x86": lambda reader: reader.tuple_of(2),
        "\x87": lambda reader: reader.tuple_of(3),
        "q": lambda reader: reader.memo.__setitem__(reader.number("B"), reader.stack[-1]),
        "r": lambda reader: reader.memo.__setitem__(reader.number("I"), reader.stack[-1]),
        "\x94": lambda reader: reader.memo.__setitem__(len(reader.memo), reader.stack[-1]),
        "h": lambda reader: reader.stack.append(reader.memo[reader.number("B")]),
        "j": lambda reader: reader.stack.append(reader.memo[reader.number("I")]),
        "c": lambda reader: reader.name(reader.line(), reader.line()),
        "\x93": lambda reader: reader.name(*[reader.stack.pop() for _ in "12"][::-1]),
        "R": Reader.call,
        "b": Reader.build,
    }.items()
}
Reader.steps = STEPS


@contextlib.contextmanager
def reading(label: str) -> Iterator[None]:
    """What goes wrong in here is told as a fault of the file."""
    try:
        yield
    except (IndexError, KeyError, struct.error, UnicodeDecodeError) as error:
        raise ValueError(
            f"{label} is damaged: it ends early or refers to what is not there "
            f"({type(error).__name__}: {str(error)[:80]})."
        ) from error
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"{label} holds something else: {str(error)[:160]}.") from error
