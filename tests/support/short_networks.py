"""Tables of the families with one block or row of each kind, whose networks are built soon.

Strided, dilated and linear ones are among them, and those with a shortcut or a residual.
"""

import dataclasses

from models import mmnet, mobile_deeplab

MMNET = tuple(
    dataclasses.replace(block, rates=(block.rates[0], block.rates[-1]))
    if isinstance(block, mmnet.Encoder)
    else block
    for block in mmnet.BLOCKS
    if block.name in ("enc0", "enc4", "enc8", "enc9", "dec0", "dec1", "dec4")
)
"""For `mmnet.BLOCKS`: without repeated blocks, and with two branches in each."""

MOBILE_DEEPLAB = tuple(
    dataclasses.replace(row, count=min(row.count, 2 if row.output == 24 else 1))
    for row in mobile_deeplab.BACKBONE
    if row.output != 96
)
"""For `mobile_deeplab.BACKBONE`: with one block in each row but one."""
