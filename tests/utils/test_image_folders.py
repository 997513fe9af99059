"""Pictures in folders: the files, their order, their labels and their sizes are those of Keras."""

import numpy as np
import pytest

import npkeras
from npkeras.utils import image_dataset_from_directory

Image = pytest.importorskip("PIL.Image")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two classes with several kinds of files, and what is no picture."""
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    shapes = {
        "cat/b.png": (6, 8, 3),
        "cat/a.PNG": (9, 4, 3),
        "cat/more/c.png": (5, 5, 3),
        "dog/d.png": (6, 8, 4),
        "dog/gray.png": (7, 7),
        "dog/e.bmp": (3, 5, 3),
    }
    for name, shape in shapes.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((random.random(shape) * 255).astype("uint8")).save(folder / name)
    (folder / "cat" / "notes.txt").write_text("no picture")
    return folder


def read(package, folder, **options):
    options = {"image_size": (3, 5), "shuffle": False, "verbose": False, **options}
    return package.utils.image_dataset_from_directory(folder, **options)


def arrays(data):
    return [[np.asarray(part) for part in (b if isinstance(b, tuple) else (b,))] for b in data]


def compare(ours, theirs, atol=1e-3):
    for batch, expected in zip(arrays(ours), arrays(theirs), strict=True):
        for part, other in zip(batch, expected, strict=True):
            assert part.dtype == other.dtype
            np.testing.assert_allclose(part, other, rtol=0, atol=atol)


def names_of(data):
    return [path.replace("\\", "/").split("pictures0/")[1] for path in data.file_paths]


def test_each_folder_is_a_class(folder):
    data = read(npkeras, folder)
    assert data.class_names == ["cat", "dog"]
    assert names_of(data)[:3] == ["cat/a.PNG", "cat/b.png", "cat/more/c.png"]
    x, y = next(iter(data))
    assert (x.shape, x.dtype, y.tolist()) == ((6, 3, 5, 3), "float32", [0, 0, 0, 1, 1, 1])


@pytest.mark.keras
@pytest.mark.parametrize("method", ["bilinear", "nearest", "bicubic", "area", "lanczos3"])
@pytest.mark.parametrize("size", [(3, 5), (20, 11)], ids=str)
def test_sizes_are_made_as_in_keras(keras, folder, method, size):
    options = {"interpolation": method, "image_size": size}
    compare(read(npkeras, folder, **options), read(keras, folder, **options))


@pytest.mark.keras
@pytest.mark.parametrize(
    "options",
    [
        {"crop_to_aspect_ratio": True},
        {"crop_to_aspect_ratio": True, "image_size": (9, 4)},
        {"pad_to_aspect_ratio": True},
        {"pad_to_aspect_ratio": True, "image_size": (20, 11)},
        {"pad_to_aspect_ratio": True, "image_size": (6, 8)},
        {"color_mode": "rgba"},
        {"data_format": "channels_first"},
        {"batch_size": 4},
        {"batch_size": None},
        {"label_mode": "categorical"},
        {"label_mode": "binary"},
        {"label_mode": None},
        {"labels": None},
        {"labels": [5, 7, 7, 5, 5, 7]},
        {"class_names": ["dog", "cat"]},
        {"class_names": ["dog"]},
        {"validation_split": 0.4, "subset": "training"},
        {"validation_split": 0.4, "subset": "validation"},
        {"interpolation": "lanczos5"},
    ],
    ids=str,
)
def test_options_do_what_they_do_in_keras(keras, folder, options):
    ours, theirs = (read(package, folder, **options) for package in (npkeras, keras))
    compare(ours, theirs)
    assert ours.class_names == theirs.class_names
    assert ours.file_paths == list(theirs.file_paths)
    assert len(ours) == len(theirs)


@pytest.mark.keras
def test_gray_pictures_differ_by_one_of_255_levels_at_most(keras, folder):
    options = {"color_mode": "grayscale", "class_names": ["cat"]}  # TensorFlow: not of .bmp
    compare(*(read(package, folder, **options) for package in (npkeras, keras)), atol=1.001)


@pytest.mark.keras
def test_the_parts_are_those_of_keras(keras, folder, capsys):
    options = {"validation_split": 0.4, "seed": 3, "shuffle": True, "verbose": True}
    said = []
    for package in (npkeras, keras):
        paths = [read(package, folder, subset="validation", **options).file_paths]
        paths += [part.file_paths for part in read(package, folder, subset="both", **options)]
        said.append((capsys.readouterr().out, [list(part) for part in paths]))
    assert said[0] == said[1]


def test_each_pass_has_another_order_and_keeps_labels_at_their_pictures(folder):
    inside = {x.tobytes(): int(y) for x, y in read(npkeras, folder, batch_size=None)}
    data = read(npkeras, folder, batch_size=None, shuffle=True, seed=1)
    passes = [[x.tobytes() for x, _ in data] for _ in range(3)]
    assert passes[0] != passes[1] or passes[1] != passes[2]
    for _ in range(2):
        assert {x.tobytes(): int(y) for x, y in data} == inside


def test_a_model_trains_on_it(folder):
    model = npkeras.Sequential(
        [
            npkeras.layers.Rescaling(1 / 255),
            npkeras.layers.Conv2D(2, 2),
            npkeras.layers.GlobalMaxPooling2D(),
            npkeras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy")
    data = read(npkeras, folder, label_mode="binary", batch_size=4, shuffle=True)
    history = model.fit(data, epochs=2, validation_data=data, verbose=0).history
    assert np.isfinite(history["loss"] + history["val_loss"]).all()


@pytest.mark.parametrize(
    "options, message",
    [
        ({"label_mode": "text"}, "`label_mode` of .*label_mode='text'"),
        ({"color_mode": "cmyk"}, "`color_mode` of .*color_mode='cmyk'"),
        ({"interpolation": "gaussian"}, "`interpolation` of .*interpolation='gaussian'"),
        ({"image_size": (2,)}, r"\(height, width\). Received: image_size=\(2,\)"),
        ({"image_size": (2, 0)}, "`image_size` of .*image_size=0"),
        ({"data_format": "last"}, "`data_format` of .*data_format='last'"),
        ({"batch_size": 0}, "`batch_size` of .*batch_size=0"),
        ({"labels": "none"}, "`labels` of .*labels='none'"),
        ({"labels": [0, 1]}, "2 labels and 6 pictures"),
        ({"labels": ["a"] * 6}, r"whole numbers. Received: labels=\['a'"),
        ({"labels": [5] * 6, "label_mode": "categorical"}, "labels from 5 to 5 of 1 classes"),
        ({"class_names": ["dog", "cow"]}, r"\['cat', 'dog'\]. Received: .*\['dog', 'cow'\]"),
        ({"class_names": ["cat", "cat"]}, r"each once.*class_names=\['cat', 'cat'\]"),
        ({"class_names": ["cat"], "labels": None}, 'are for labels="inferred"'),
        ({"class_names": ["cat"], "label_mode": "binary"}, r"two classes. Received: \['cat'\]"),
        ({"validation_split": 0.2}, "go together. Received: validation_split=0.2, subset=None"),
        ({"subset": "training"}, "go together.*subset='training'"),
        ({"validation_split": 1.2, "subset": "both"}, "between 0 and 1.*validation_split=1.2"),
        ({"validation_split": 0.2, "subset": "test"}, "`subset` of .*subset='test'"),
        ({"validation_split": 0.4, "subset": "both", "shuffle": True}, "needs a `seed`"),
        ({"validation_split": 0.01, "subset": "validation"}, "no pictures for validation"),
        ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, "either cuts .* or pads"),
    ],
)
def test_what_does_not_fit_is_refused(folder, options, message):
    with pytest.raises(ValueError, match=message):
        read(npkeras, folder, **options)


def test_no_folder_and_no_pictures(tmp_path):
    with pytest.raises(FileNotFoundError, match="is no folder"):
        image_dataset_from_directory(tmp_path / "none")
    with pytest.raises(ValueError, match="finds no pictures"):
        image_dataset_from_directory(tmp_path)
