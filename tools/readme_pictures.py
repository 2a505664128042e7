"""Draw docs/portraits.png: synthetic portraits above their exact mattes.

python tools/readme_pictures.py
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from mmnet_deploy.portraits import synthetic

SHOWN = (80, 240, 306, 41, 12, 57, 133)
SIZE = 160


def main() -> None:
    pairs = [synthetic.portrait(0, index, 2 * SIZE) for index in SHOWN]
    pictures = np.hstack(
        [cv2.resize(p, (SIZE, SIZE), interpolation=cv2.INTER_AREA) for p, _ in pairs]
    )
    mattes = np.hstack(
        [cv2.resize(m, (SIZE, SIZE), interpolation=cv2.INTER_AREA) for _, m in pairs]
    )
    sheet = np.vstack([pictures[..., ::-1], cv2.cvtColor(mattes, cv2.COLOR_GRAY2BGR)])
    path = Path(__file__).parents[1] / "docs" / "portraits.png"
    cv2.imwrite(str(path), sheet, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    print(path, sheet.shape)


if __name__ == "__main__":
    main()
