"""`maskline serve`, without its process: answers are those of `maskline predict`, and whatever else is asked is refused
by a sentence; the model changes while it answers."""

from __future__ import annotations

import json
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dicom_files import dicom
from fastapi.testclient import TestClient
from hostile import images
from known import STORED, pushed, square, version_in
from predicting import predict

from components.files import write_json
from components.imaging.files.codecs import decode_image, encode_png
from components.inference.model import load_model
from components.inference.operating_point import OperatingPoint
from components.records.settings import Tiles
from pipeline.runs.served import model_folder
from pipeline.serve.app import application
from pipeline.serve.current import Current
from pipeline.serve.desk import Desk
from pipeline.serve.limits import Limits

PREDICT, TOKEN = "/v1/models/mass:predict", "a secret of the tests"


def b64(content: bytes) -> dict[str, str]:
    return {"b64": b64encode(content).decode()}


def decoded(file: dict[str, str]) -> np.ndarray:
    return decode_image(b64decode(file["b64"]))


def current_of(serving: Path, say: Callable[[str], None] = print) -> Current:
    return Current(partial(model_folder, serving), load_model, say)


def client_of(current: Current, limits: Limits, token: str | None = None) -> TestClient:
    app = application(current, Desk(limits), limits, "mass", token, print)
    return TestClient(app, base_url="http://127.0.0.1")


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return version_in(tmp_path_factory.mktemp("out") / "serving/7", STORED).parent


@pytest.fixture(scope="module")
def current(serving: Path) -> Current:
    return current_of(serving)


@pytest.fixture(scope="module")
def client(current: Current) -> TestClient:
    return client_of(current, Limits(bytes=2**16, pixels=10_000))


@pytest.fixture(scope="module")
def tiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of windows of 16 pixels, at the scale of the image."""
    point = OperatingPoint(threshold=0.3)
    return version_in(tmp_path_factory.mktemp("tiled") / "serving/7", point, tiles=Tiles(overlap=4)).parent


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return {
        "gray.png": encode_png(square(40, 50)),
        "colour.png": encode_png(np.stack([square(21, 30)] * 3, -1)),
        "deep.png": encode_png(square(48, 36).astype(np.uint16) * 257),
        "film.dcm": dicom(square(40, 30)),
        "scan.pgm": b"P5 20 16 255\n" + square(16, 20).tobytes(),
    }


def test_answers_are_those_of_predict(
    client: TestClient, serving: Path, files: dict[str, bytes], tmp_path: Path
) -> None:
    for name, content in files.items():
        (tmp_path / "in" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_bytes(content)
    predict(serving, tmp_path / "in", "--out", tmp_path / "out", "--write", "probability,geojson")
    answer = client.post(PREDICT, json={"instances": [b64(content) for content in files.values()]})
    assert (answer.status_code, answer.headers["model-version"]) == (200, "7")
    for name, row in zip(files, answer.json()["predictions"], strict=True):
        for kind, folder in (("mask", "masks"), ("probability", "probability")):
            written = tmp_path / "out" / folder / f"{Path(name).stem}.png"
            assert b64decode(row[kind]["b64"]) == written.read_bytes(), (name, kind)
        assert decoded(row["mask"]).any()


def test_columns_are_answered_by_columns(client: TestClient, files: dict[str, bytes]) -> None:
    given = [b64(files["gray.png"]), b64(files["deep.png"])]
    rows = client.post(PREDICT, json={"instances": [{"images": each} for each in given]}).json()["predictions"]
    columns = {key: [row[key] for row in rows] for key in ("mask", "probability")}
    for inputs in (given, {"images": given}):
        asked = {"signature_name": "serve_image_bytes", "inputs": inputs}
        assert client.post(PREDICT, json=asked).json() == {"outputs": columns}


def test_of_several_classes_each_has_its_probability(tmp_path: Path) -> None:
    from test_predict_slides import version_in as version_of_classes

    version_of_classes(tmp_path / "serving/8", 2)
    several = client_of(current_of(tmp_path / "serving/8"), Limits())
    content = encode_png(square(64, 64))
    [row] = several.post(PREDICT, json={"instances": [b64(content)]}).json()["predictions"]
    planes = np.stack([decoded(plane) for plane in row["probability"]])
    assert planes.shape == (3, 64, 64)
    assert np.abs(planes.sum(axis=0, dtype=np.int64) - 65535).max() <= 2
    assert decoded(row["mask"]).tolist() == planes.argmax(axis=0).tolist()
    shown = several.post("/answer", content=content).json()
    assert (shown["threshold"], shown["probability"]) == (None, None)
    refused = several.post("/answer?threshold=0.5", content=content)
    assert (refused.status_code, refused.json()) == (
        *(422,),
        {"error": "threshold: the most probable of 2 classes is predicted. Leave it out"},
    )


ROW = '{"instances": [%s]}'
EXPECTED = 'expected {"instances": [{"b64": "..."}, ...]}, each a whole image file in base64'


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", f"the body is no JSON (JSONDecodeError): {EXPECTED}"),
        (b"\xff\xd8\xff", f"the body is no JSON (UnicodeDecodeError): {EXPECTED}"),
        ("[" * 10_000, f"the body is no JSON (RecursionError): {EXPECTED}"),
        ("[]", f"the body has neither instances nor inputs, or both: {EXPECTED}"),
        ('{"instances": [], "inputs": []}', f"the body has neither instances nor inputs, or both: {EXPECTED}"),
        (ROW % "", f"no list of images, or an empty one: {EXPECTED}"),
        ('{"instances": {"b64": ""}}', f"no list of images, or an empty one: {EXPECTED}"),
        (ROW % "[[0.1, 0.2]]", f"instances[0]: no image: {EXPECTED}"),
        (ROW % '{"b64": 7}', f"instances[0]: no image: {EXPECTED}"),
        (ROW % '{"b64": "a"}', "instances[0]: b64 is not base64: Invalid base64-encoded string: number of data "
         "characters (1) cannot be 1 more than a multiple of 4"),
        (ROW % '{"b64": ""}', "instances[0]: the image cannot be read: the file is empty"),
        (ROW % '{"b64": "bm90"}', "instances[0]: the image cannot be read: not a whole image: neither a PGM, PPM, PNG, "
         "JPEG, TIFF, BMP, GIF, DICOM, NIfTI nor an NRRD file"),
        ('{"instances": [1], "threshold": 0.3}', f"the body has unknown keys, threshold: {EXPECTED}"),
        (r'{"instances": [1], "\ud800": 1}', f"the body has unknown keys, \ud800: {EXPECTED}"),
        ('{"signature_name": "serve_tensor", "instances": [1]}',
         "signature_name: serve_image_bytes is what is served here, or leave it out"),
    ],
)  # fmt: skip
def test_what_is_not_expected_is_named(client: TestClient, body: Any, said: str) -> None:
    answer = client.post(PREDICT, content=body)
    assert (answer.status_code, answer.json()) == (422, {"error": said})


def test_of_several_images_the_one_that_is_refused_is_named(client: TestClient, files: dict[str, bytes]) -> None:
    answer = client.post(PREDICT, json={"inputs": [b64(files["gray.png"]), b64(b"no image")]})
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("inputs[1]: the image cannot be read: ")


def test_what_is_too_large_is_refused(client: TestClient) -> None:
    wide = client.post(PREDICT, json={"instances": [b64(encode_png(square(101, 100)))]})
    assert (wide.status_code, wide.json()) == (
        *(413,),
        {"error": "instances[0]: the image has more than the 10000 pixels that are taken here"},
    )
    long = client.post("/answer", content=bytes(2**16 + 1))
    assert (long.status_code, long.json()) == (
        *(413,),
        {"error": "the request has more than the 65536 bytes that are taken here"},
    )

    def chunks() -> Iterator[bytes]:
        for _ in range(20):
            yield bytes(2**13)

    assert client.post("/answer", content=chunks()).status_code == 413


NO_BODIES = {images.pipe, images.endless, images.dicom_of_3_gigabytes, images.pgm_of_a_gigabyte}
NO_BODIES |= {images.png_of_a_gigabyte_behind_its_end}


@pytest.mark.parametrize("hostile", [each for each in images.IMAGES if each not in NO_BODIES])
def test_what_unpacks_to_more_than_it_tells_is_refused(
    current: Current, hostile: Callable[[Path], Path], tmp_path: Path
) -> None:
    answer = client_of(current, Limits()).post("/answer", content=hostile(tmp_path).read_bytes())
    assert answer.status_code in (413, 422)
    assert len(answer.json()["error"]) < 600


def test_what_takes_too_long_is_not_gone_on_with(tiled: Path) -> None:
    """A minute of windows."""
    current, limits = current_of(tiled), Limits(seconds=0.5)
    desk = Desk(limits)
    with TestClient(application(current, desk, limits, "mass", None, print), base_url="http://127.0.0.1") as asked:
        late = asked.post("/answer", content=encode_png(np.zeros((4000, 4000), np.uint8)))
        assert (late.status_code, late.json()) == (
            *(503,),
            {"error": "no answer within 0.5 seconds: try again, or ask for less at once"},
        )
        started = time.monotonic()
        desk.close()
    assert (desk.inside, time.monotonic() - started < 10) == (0, True)


def test_of_noise_there_are_no_outlines(tiled: Path) -> None:
    dots = np.zeros((150, 150), np.uint8)
    dots[::3, ::3] = 255
    asked = client_of(current_of(tiled), Limits())
    shown = asked.post("/answer", content=encode_png(dots)).json()
    assert (shown["classes"][0]["pixels"], shown["geojson"]) == (2_500, None)
    np.testing.assert_array_equal(decode_image(b64decode(shown["mask"])), dots // 255)
    fewer = asked.post("/answer", content=encode_png(dots[:120])).json()
    assert len(json.loads(fewer["geojson"])["features"]) == 2_000


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example:8501"}, 403),
        ({"Host": "10.0.0.1:8501"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "localhost:8501", "Origin": "http://localhost:8501"}, 200),
        ({"Host": "[::1]:8501"}, 200),
    ],
)
def test_without_a_token_pages_of_others_are_not_answered(
    client: TestClient, files: dict[str, bytes], headers: dict[str, str], status: int
) -> None:
    for answer in (
        client.post("/answer", content=files["gray.png"], headers=headers),
        client.get("/v2/models/mass", headers=headers),
    ):
        assert answer.status_code == status


def test_requests_bear_the_token(current: Current, files: dict[str, bytes]) -> None:
    asked = client_of(current, Limits(), TOKEN)
    for headers in ({}, {"Authorization": "Bearer other"}, {"Authorization": f"Basic {TOKEN}"}):
        for answer in (
            asked.post("/answer", content=files["gray.png"], headers=headers),
            asked.post(PREDICT, json={}, headers=headers),
            asked.get("/metrics", headers=headers),
            asked.get("/v2/models/mass", headers=headers),
        ):
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert answer.json() == {"error": "no token, or another: send Authorization: Bearer TOKEN"}
    bearing = {"Authorization": f"Bearer {TOKEN}"}
    assert asked.post("/answer", content=files["gray.png"], headers=bearing).status_code == 200
    for path in ("/", "/page.js", "/page.css", "/v2/health/live", "/v2/health/ready", "/v2/models/mass/ready"):
        assert asked.get(path).status_code == 200, path


def test_it_says_what_it_is(client: TestClient) -> None:
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    assert client.get("/v2/models/mass/ready").json() == {"name": "mass", "ready": True}
    assert client.get("/v2").json()["name"] == "maskline"
    told = client.get("/v2/models/mass").json()
    assert (told["name"], told["versions"], told["platform"]) == ("mass", ["7"], "tensorflow float32")
    assert told["parameters"] == {"classes": ["lesion"], "operating_point": STORED.model_dump()}
    status = {"version": "7", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    assert client.get("/v1/models/mass").json() == {"model_version_status": [status]}
    missing = client.get("/v1/models/other")
    told = {"error": "GET /v1/models/other: Not Found. /openapi.json lists what there is"}
    assert (missing.status_code, missing.json()) == (404, told)
    assert client.get(PREDICT).status_code == 405


def test_prometheus_is_told_what_was_answered(current: Current, files: dict[str, bytes]) -> None:
    asked = client_of(current, Limits())
    for body in (files["gray.png"], files["deep.png"], b"no image"):
        asked.post("/answer", content=body)
    asked.get("/whatever/somebody/may/ask")
    lines = asked.get("/metrics").text.splitlines()
    for line in (
        'maskline_requests_total{path="/answer",status="200"} 2.0',
        'maskline_requests_total{path="/answer",status="422"} 1.0',
        'maskline_requests_total{path="none",status="404"} 1.0',
        'maskline_request_seconds_count{path="/answer"} 3.0',
        'maskline_model_info{version="7"} 1.0',
        "maskline_inside 0.0",
        "maskline_version_refused 0.0",
    ):
        assert line in lines
    assert any(line.startswith("process_resident_memory_bytes") for line in lines)


def test_the_page_gets_pictures_mask_and_outlines(client: TestClient, serving: Path) -> None:
    image = square(40, 50)
    found = client.post("/answer", content=encode_png(image)).json()
    [expected] = load_model(serving).predict(image)
    assert (found["version"], found["width"], found["height"], found["threshold"]) == ("7", 50, 40, STORED.threshold)
    assert found["classes"] == [{"name": "lesion", "colour": "#56b4e9", "pixels": int((expected.classes == 1).sum())}]
    pictures = {name: decode_image(b64decode(found[name])) for name in ("picture", "indices", "probability", "mask")}
    np.testing.assert_array_equal(pictures["mask"], expected.classes)
    np.testing.assert_array_equal(pictures["indices"], expected.classes)
    np.testing.assert_array_equal(pictures["picture"], image)
    np.testing.assert_array_equal(pictures["probability"], np.rint(expected.probability[..., 0] * 255))
    features = json.loads(found["geojson"])["features"]
    assert [each["properties"]["classification"]["name"] for each in features] == ["lesion"]
    higher = client.post("/answer?threshold=0.5", content=encode_png(image)).json()
    assert higher["threshold"] == 0.5
    point = OperatingPoint(**{**STORED.model_dump(), "threshold": 0.5})
    [other] = load_model(serving, point.model_dump()).predict(image)
    np.testing.assert_array_equal(decode_image(b64decode(higher["mask"])), other.classes)
    assert 0 < other.classes.sum() < expected.classes.sum()
    for threshold in ("0", "1", "-1", "nan", "x"):
        refused = client.post(f"/answer?threshold={threshold}", content=encode_png(image))
        assert refused.status_code == 422
        assert refused.json()["error"].startswith("threshold: ")


def test_a_large_picture_is_reduced_for_the_page(serving: Path, current: Current) -> None:
    found = client_of(current, Limits()).post("/answer", content=encode_png(square(30, 2001))).json()
    sizes = {name: decode_image(b64decode(found[name])).shape for name in ("picture", "indices", "probability", "mask")}
    assert sizes == {"picture": (24, 1600), "indices": (24, 1600), "probability": (24, 1600), "mask": (30, 2001)}


def test_nothing_of_the_page_lies_elsewhere(client: TestClient) -> None:
    for path in ("/", "/page.css", "/page.js"):
        answer = client.get(path)
        assert "http" not in answer.text.lower().replace("http-equiv", ""), path
        assert answer.headers["content-security-policy"].startswith("default-src 'self'")


def test_another_champion_is_served_without_a_restart(serving: Path, tmp_path: Path, files: dict[str, bytes]) -> None:
    said: list[str] = []
    pushed(serving / "7", tmp_path / "serving", "1", 0.1)
    current = current_of(tmp_path / "serving", said.append)
    asked = client_of(current, Limits())

    def answered() -> tuple[str, int]:
        answer = asked.post("/answer", content=files["gray.png"])
        return answer.headers["model-version"], answer.json()["classes"][0]["pixels"]

    first = answered()
    pushed(serving / "7", tmp_path / "serving", "2", 0.5)
    assert answered() == first
    current.look()
    version, pixels = answered()
    assert (first[0], version, said) == ("1", "2", ["version 2 is served"])
    assert pixels < first[1]


@pytest.mark.parametrize(
    "broken",
    [
        lambda new: (new / "saved_model.pb").write_bytes(b"none"),
        lambda new: (new / "saved_model.pb").unlink(),
        lambda new: (new.parent / "CHAMPION.json").write_text("{"),
        lambda new: write_json(new.parent / "CHAMPION.json", {"version": "3"}),
        lambda new: (new / "assets.extra/training.json").unlink(),
    ],
)
def test_a_broken_version_leaves_the_old_one(
    serving: Path, tmp_path: Path, files: dict[str, bytes], broken: Callable[[Path], None]
) -> None:
    told: list[str] = []
    pushed(serving / "7", tmp_path / "serving", "1")
    current = current_of(tmp_path / "serving", told.append)
    asked = client_of(current, Limits())
    new = pushed(serving / "7", tmp_path / "serving", "2")
    broken(new)
    for _ in range(3):
        current.look()
        assert asked.post("/answer", content=files["gray.png"]).headers["model-version"] == "1"
    [line] = told
    assert line.startswith("version 1 goes on: ")
    [status] = asked.get("/v1/models/mass").json()["model_version_status"]
    assert (status["version"], status["status"]["error_code"]) == ("1", "UNKNOWN")
    assert status["status"]["error_message"] in line
    assert "maskline_version_refused 1.0" in asked.get("/metrics").text
    pushed(serving / "7", tmp_path / "serving", "4")
    current.look()
    assert (told[1:], current.fault) == (["version 4 is served"], "")


def test_geojson_is_that_of_predict(client: TestClient, serving: Path, tmp_path: Path) -> None:
    (tmp_path / "image.png").write_bytes(encode_png(square(40, 50)))
    predict(serving, tmp_path / "image.png", "--out", tmp_path / "out", "--write", "geojson")
    shown = client.post("/answer", content=(tmp_path / "image.png").read_bytes()).json()
    assert shown["geojson"].encode() == (tmp_path / "out/geojson/image.geojson").read_bytes()
