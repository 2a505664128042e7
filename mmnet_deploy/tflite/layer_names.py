"""Short names of layers, as a person knows them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_INNER_SCOPES = ("batchnorm", "convolution", "depthwise", "resize", "separable_conv2d")


def short_names(names: Iterable[str]) -> dict[str, str]:
    """The names that a person gave the layers, by the names that the converter made of them.

    `net_1/stem_relu_1/Relu6;net_1/stem_1/convolution` is `stem_relu`, if `net_1` begins most
    names and every layer ends in `_1`.
    """
    heads = {name: name.split(";")[0].split("/") for name in names}
    scopes = Counter(parts[0] for parts in heads.values() if len(parts) > 1)
    scope, uses = scopes.most_common(1)[0] if scopes else ("", 0)
    common = scope if uses > 1 and 2 * uses > scopes.total() else ""
    layers = {}
    for name, parts in heads.items():
        inner = parts[1:] if len(parts) > 1 and parts[0] == common else parts
        # The last part is the operation, which the operator's kind says anyway.
        inner = inner[:-1] if len(inner) > 1 else inner
        while len(inner) > 1 and inner[-1] in _INNER_SCOPES:
            inner = inner[:-1]
        layers[name] = "/".join(inner)
    # Keras numbers the calls of a network, and with them every layer's name.
    scoped = [layers[name] for name, parts in heads.items() if len(parts) > 2]
    endings = {match[0] if (match := re.search(r"_\d+$", layer)) else "" for layer in scoped}
    ending = endings.pop() if len(endings) == 1 and len(scoped) > 1 else ""
    return {name: _printable(layer.removesuffix(ending)) for name, layer in layers.items()}


def _printable(name: str) -> str:
    """A name from any file, without characters that would move a terminal's cursor."""
    return "".join(sign if sign.isprintable() else "�" for sign in name)


def shortened(name: str, width: int) -> str:
    """At most `width` characters of a name, from both of its ends."""
    if len(name) <= width:
        return name
    tail = (width - 1) // 2
    return f"{name[: width - 1 - tail]}…{name[-tail:]}"
