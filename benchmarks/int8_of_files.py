"""int8 of any network: how far its mattes are from float32, and what that does to edges.

    python benchmarks/int8_of_files.py FILE[=OUTPUT]… --representative DIR --data A/test B/test

FILE is a `.tflite` file, or mediapipe:NAME; OUTPUT is what it gives (softmax, logit), where it does
not say so. Per file: the mean |Δα| over all pictures, the change of the gradient error at 800×600
from float32 on each split, XNNPACK's partitions, the size, and the processor time that calibrating
and quantizing takes.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from mmnet_deploy.conversion import beginning, file_graph
from mmnet_deploy.conversion.quantization import Source, float32, int8
from mmnet_deploy.downloads import published
from mmnet_deploy.mattes import metrics
from mmnet_deploy.networks.network import Network
from mmnet_deploy.portraits.output import Meaning
from mmnet_deploy.portraits.pictures import preprocess, read_image, read_mask
from mmnet_deploy.portraits.representative import draw, portraits_in
from mmnet_deploy.tflite.interpreter import TFLiteModel


def network_of(word: str) -> Network:
    name, _, output = word.partition("=")
    kind, _, rest = name.partition(":")
    path = published.have(published.named(rest)) if kind == "mediapipe" else Path(name)
    return file_graph.open_file(path, Meaning(output) if output else None)


def gradient_errors(mattes: list[np.ndarray], masks: list[np.ndarray]) -> float:
    pairs = [
        metrics.at_one_size(matte, mask, metrics.PUBLISHED_SIZE)
        for matte, mask in zip(mattes, masks, strict=True)
    ]
    return float(np.mean([metrics.gradient_error(*pair) for pair in pairs]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", metavar="FILE[=OUTPUT]")
    parser.add_argument("--representative", type=Path, required=True)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="splits with masks")
    parser.add_argument("--pictures", type=int, default=30, help="of each split, at most")
    settings = parser.parse_args()
    drawn = draw(portraits_in(settings.representative), 100, 0, 0).calibration
    splits = []
    for folder in settings.data:
        portraits = sorted(portraits_in(folder.parent, folder.name), key=lambda it: str(it.image))
        step = max(1, len(portraits) // settings.pictures)
        chosen = portraits[::step][: settings.pictures]
        splits.append([(read_image(it.image), read_mask(it.mask, it.mask_values)) for it in chosen])
    names = [folder.parent.name for folder in settings.data]
    print(f"| | mean \\|Δα\\| | {' | '.join(names)} | partitions | KiB | s |")
    print("|---" * (len(names) + 5) + "|", flush=True)
    for word in settings.files:
        network = network_of(word)
        content, _ = beginning.begin(network).float_graph("deploy")
        samples = [
            preprocess(read_image(it.image), *network.input_size, network.input_range)
            for it in drawn
        ]
        source = Source(content, samples, phases=True, input_range=network.input_range)
        began = time.process_time()
        made = int8(source)
        seconds = time.process_time() - began
        models = [TFLiteModel(Path("f.tflite"), 1, it) for it in (float32(source), made)]
        differences, changes = [], []
        for pairs in splits:
            real, whole = ([model.matte(picture) for picture, _ in pairs] for model in models)
            differences += [
                np.abs(one - other).mean() for one, other in zip(real, whole, strict=True)
            ]
            masks = [mask for _, mask in pairs]
            changes.append(gradient_errors(whole, masks) / gradient_errors(real, masks) - 1)
        cells = [f"{100 * change:+.1f} %" for change in changes]
        print(
            f"| {network.name} | {np.mean(differences):.4f} | {' | '.join(cells)} "
            f"| {len(models[1].partitions)} | {len(made) / 1024:.0f} | {seconds:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
