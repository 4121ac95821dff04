"""Each rule of the linter, by a fault planted in a compiled pipeline."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from compiled import GOLDEN
from typer.testing import CliRunner

from components.errors import UsageError
from pipeline.cli.app import app
from pipeline.kubeflow.spec.lint import lint, lint_file, refuse
from pipeline.kubeflow.spec.package import Package, read_package

Spec = dict[str, Any]


@pytest.fixture(scope="module")
def compiled() -> Package:
    return read_package(GOLDEN)


@pytest.fixture
def package(compiled: Package) -> Package:
    return copy.deepcopy(compiled)


def tasks(package: Package) -> Spec:
    return package.spec["root"]["dag"]["tasks"]


def container(package: Package, node: str) -> Spec:
    return package.spec["deploymentSpec"]["executors"][f"{node}_executor"]["container"]


def executors(package: Package) -> Spec:
    return package.platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def rename(package: Package, old: str, new: str) -> None:
    """Renames a task with everything that refers to it."""
    text = json.dumps(package.spec["root"]).replace(f'"{old}"', json.dumps(new))
    package.spec["root"] = json.loads(text)
    package.spec["components"][new] = package.spec["components"].pop(old)


def resolver(package: Package) -> None:
    query = {"outputArtifactQueries": {"model": {"filter": "state=LIVE"}}}
    package.spec["deploymentSpec"]["executors"]["ChampionResolver_executor"] = {"resolver": query}


def custom_job(package: Package) -> None:
    package.spec["deploymentSpec"]["executors"]["Trainer_executor"] = {"customJob": {"customJob": {}}}


def without_volumes_for_the_pusher(package: Package) -> None:
    executors(package)["Pusher_executor"] = {}


def given(package: Package, name: str, **parameter: Any) -> None:
    """Declares an input of the pipeline."""
    package.spec["root"]["inputDefinitions"] = {"parameters": {name: parameter}}


def volume(package: Package, **mount: str) -> None:
    executors(package)["Trainer_executor"] = {"pvcMount": [mount]}


def secret(package: Package, *secrets: Spec) -> None:
    executors(package)["Trainer_executor"] = {"secretAsEnv": list(secrets)}


def key(secret_key: str, env: str) -> Spec:
    return {"secretKey": secret_key, "envVar": env}


def circle(package: Package) -> None:
    tasks(package)["ImportSchemaGen"]["dependentTasks"] = ["ExampleValidator"]


PLANTED: list[tuple[Callable[[Package], Any], str, str]] = [
    (lambda p: p.spec.update(schemaVersion="2.0.0"), "pipeline", "schemaVersion '2.0.0': Kubeflow takes 2.1.0 alone"),
    (lambda p: p.spec.pop("schemaVersion"), "pipeline", "schemaVersion ''"),
    (lambda p: p.spec["pipelineInfo"].update(name="My_pipeline"), "pipeline", "the name 'My_pipeline'"),
    (lambda p: p.spec["pipelineInfo"].update(name="run-"), "pipeline", "the name 'run-'"),
    (lambda p: p.spec.update(defaultPipelineRoot="/mnt/root"), "pipeline", "the pipeline root '/mnt/root'"),
    (lambda p: p.spec.update(defaultPipelineRoot="file:///x"), "pipeline", "not on volumes"),
    (lambda p: p.spec.update(surprise=1), "pipeline spec", 'no field named "surprise"'),
    (lambda p: p.spec.update(pipelineSpec={}), "file", "a PipelineJob"),
    (lambda p: p.spec["root"]["dag"].update(tasks={}), "pipeline", "no tasks"),
    (lambda p: rename(p, "Trainer", "Trainer.candidate"), "Trainer.candidate", "Argo takes letters, digits"),
    (lambda p: rename(p, "Trainer", "my_trainer"), "my_trainer", "the id 'my_trainer'"),
    (lambda p: rename(p, "Trainer", "T" * 122), "T" * 122, "an id of 122 characters"),
    (lambda p: rename(p, "Trainer", "root"), "root", "a component of this name: it is Kubeflow's own"),
    (lambda p: p.spec["components"].pop("Trainer"), "Trainer", "the component 'Trainer'"),
    (lambda p: tasks(p)["Trainer"].pop("componentRef"), "Trainer", "the component ''"),
    (lambda p: tasks(p).pop("Augmentor"), "Trainer", "the upstream task 'Augmentor'"),
    (lambda p: p.spec["deploymentSpec"]["executors"].pop("Trainer_executor"), "Trainer", "the executor 'Trainer_exe"),
    (resolver, "ChampionResolver", "an executor of the kind 'resolver': Kubeflow's compiler has not implemented"),
    (custom_job, "Trainer", "an executor of the kind 'custom_job': custom jobs run on Vertex AI alone"),
    (lambda p: p.spec["deploymentSpec"]["executors"].update(Trainer_executor={}), "Trainer", "kind None"),
    (
        lambda p: tasks(p)["Trainer"]["inputs"]["artifacts"]["examples"]["taskOutputArtifact"].update(
            outputArtifactKey="films"
        ),
        "Trainer",
        "the output of Augmentor 'films': the file has none of this name; it has augmented_examples",
    ),
    (
        lambda p: tasks(p)["Pusher"]["inputs"]["parameters"].update(
            run={"taskOutputParameter": {"producerTask": "Trainer_task", "outputParameterKey": "run"}}
        ),
        "Pusher",
        "the upstream task 'Trainer_task'",
    ),
    (lambda p: tasks(p)["Trainer"]["dependentTasks"].append("Nobody"), "Trainer", "the upstream task 'Nobody'"),
    (circle, "pipeline", "tasks in a circle"),
    (lambda p: given(p, "epochs", parameterType="NUMBER_INTEGER"), "pipeline", "the input 'epochs' without a default"),
    (lambda p: given(p, "epochs", defaultValue=3), "pipeline", "the input 'epochs' without a type"),
    (
        lambda p: tasks(p)["Pusher"]["inputs"]["parameters"].update(run={"componentInputParameter": "run"}),
        "Pusher",
        "the input of the pipeline 'run'",
    ),
    (lambda p: tasks(p)["Pusher"]["inputs"]["parameters"].pop("run"), "Pusher", "no value for the input 'run'"),
    (lambda p: tasks(p)["Pusher"]["inputs"]["artifacts"].pop("model"), "Pusher", "no value for the input 'model'"),
    (
        lambda p: tasks(p)["Pusher"]["inputs"]["parameters"].update(run={"runtimeValue": {}}),
        "Pusher",
        "an empty value for the input 'run'",
    ),
    (lambda p: container(p, "Trainer").pop("image"), "Trainer", "no image"),
    (lambda p: container(p, "Trainer").update(image="<image>:1"), "Trainer", "the image '<image>:1': it is no name"),
    (lambda p: container(p, "Trainer").update(image="Maskline:1"), "Trainer", "it is no name of an image"),
    (
        lambda p: container(p, "Trainer").update(image="gcr.io/tfx-oss-public/tfx:1.16.0"),
        "Trainer",
        "it is what TFX fills in",
    ),
    (
        lambda p: container(p, "Trainer")["args"].__setitem__(1, "tfx.components.infra_validator.executor.Executor"),
        "Trainer",
        "TFX's InfraValidator: it starts containers of its own",
    ),
    (
        lambda p: container(p, "Trainer")["resources"].update(resourceMemoryLimit="NaNKi"),
        "Trainer",
        "memory limit 'NaNKi'",
    ),
    (
        lambda p: container(p, "Trainer")["resources"].update(resourceMemoryLimit="16 GB"),
        "Trainer",
        "memory limit '16 GB'",
    ),
    (lambda p: container(p, "Trainer")["resources"].update(resourceCpuRequest="-1"), "Trainer", "cpu request '-1'"),
    (
        lambda p: container(p, "Trainer")["resources"].update(accelerator={"resourceType": "nvidia.com/gpu"}),
        "Trainer",
        "accelerator 'nvidia.com/gpu', count ''",
    ),
    (
        lambda p: container(p, "Trainer")["resources"].update(accelerator={"resourceCount": "1"}),
        "Trainer",
        "accelerator '', count '1'",
    ),
    (
        lambda p: container(p, "Trainer")["resources"]["accelerator"].update(resourceCount="0.5"),
        "Trainer",
        "accelerator count '0.5'",
    ),
    (lambda p: tasks(p)["Pusher"].update(cachingOptions={"enableCache": True}), "Pusher", "caching switched on"),
    (
        lambda p: tasks(p)["ImageMaskExampleGen"].update(cachingOptions={"enableCache": True}),
        "ImageMaskExampleGen",
        "caching switched on",
    ),
    (lambda p: executors(p).update(Trainer={}), "platform spec", "the executor 'Trainer': the pipeline spec has no"),
    (
        lambda p: executors(p).update(Trainer_executor={"securityContext": {"runAsUser": "1000"}}),
        "platform spec, Trainer_executor",
        'no field named "securityContext"',
    ),
    (lambda p: p.platform.update(platforms={"vertex": {}}), "platform spec", "the platforms ['vertex']"),
    (lambda p: volume(p, mountPath="/x"), "Trainer_executor", "a volume at '/x' without a claim"),
    (lambda p: volume(p, mountPath="x", constant="c"), "Trainer_executor", "Kubernetes takes absolute paths alone"),
    (
        lambda p: executors(p)["Pusher_executor"]["pvcMount"].append({"mountPath": "/mnt/serving", "constant": "c"}),
        "Pusher_executor",
        "2 volumes at '/mnt/serving'",
    ),
    (lambda p: secret(p, {"keyToEnv": [key("k", "E")]}), "Trainer_executor", "an incomplete secret ''"),
    (
        lambda p: secret(p, {"secretName": "s", "keyToEnv": [key("", "E")]}),
        "Trainer_executor",
        "an incomplete secret 's'",
    ),
    (
        lambda p: secret(p, {"secretName": "s", "keyToEnv": [key("a", "E"), key("b", "E")]}),
        "Trainer_executor",
        "several secrets for E",
    ),
    (without_volumes_for_the_pusher, "Pusher", "serving_dir '/mnt/serving/breast': none of the volumes of this task"),
    (
        lambda p: tasks(p)["ImageMaskExampleGen"]["inputs"]["parameters"]["input_base"]["runtimeValue"].update(
            constant="/mnt/films-2"
        ),
        "ImageMaskExampleGen",
        "input_base '/mnt/films-2': none of the volumes of this task holds it; they are /mnt/films",
    ),
]


def test_what_was_compiled_has_no_fault(package: Package) -> None:
    assert lint(package) == []


@pytest.mark.parametrize(("plant", "where", "says"), PLANTED, ids=[says[:50] for _, _, says in PLANTED])
def test_a_planted_fault_is_found(package: Package, plant: Callable[[Package], Any], where: str, says: str) -> None:
    plant(package)
    faults = [fault for fault in lint(package) if fault.where == where and says in str(fault)]
    assert len(faults) == 1
    assert not faults[0].warning
    assert faults[0].why
    assert faults[0].remedy
    with pytest.raises(UsageError, match=re.escape(str(faults[0]))):
        refuse(lint(package))


def test_every_fault_is_named_not_the_first_alone(package: Package) -> None:
    package.spec["schemaVersion"] = "2.0.0"
    for node in ("Trainer", "Pusher"):
        container(package, node)["image"] = ""
    assert [fault.where for fault in lint(package)] == ["pipeline", "Pusher", "Trainer"]


def test_an_optional_input_and_one_with_a_default_are_none(package: Package) -> None:
    parameters = {
        "epochs": {"parameterType": "NUMBER_INTEGER", "defaultValue": 3},
        "note": {"parameterType": "STRING", "isOptional": True},
    }
    package.spec["root"]["inputDefinitions"] = {"parameters": parameters}
    assert lint(package) == []


def test_the_cluster_overlooks_what_it_does_not_know_of_a_container(package: Package) -> None:
    container(package, "Trainer")["novelty"] = 1
    assert lint(package) == []


def test_caching_is_right_where_the_fingerprint_of_the_data_is_known(package: Package) -> None:
    example_gen = tasks(package)["ImageMaskExampleGen"]
    example_gen["cachingOptions"] = {"enableCache": True}
    example_gen["inputs"]["parameters"]["files"] = {"runtimeValue": {"constant": "a fingerprint"}}
    assert lint(package) == []


@pytest.mark.parametrize("image", ["maskline", "maskline:latest", "registry:5000/lab/maskline"])
def test_an_image_that_can_change_is_a_warning(package: Package, image: str) -> None:
    container(package, "Trainer")["image"] = image
    [fault] = lint(package)
    assert fault.warning
    assert "the cache looks at" in str(fault).replace("Kubeflow's cache", "the cache")
    refuse([fault])


@pytest.mark.parametrize("image", ["registry:5000/lab/mask_line:1", "a/b/c.d@sha256:" + "0" * 64, "localhost/x:v1.2-3"])
def test_names_of_images(package: Package, image: str) -> None:
    container(package, "Trainer")["image"] = image
    assert lint(package) == []


def test_no_volumes_at_all_are_a_warning(package: Package) -> None:
    """A simulation on one machine needs none."""
    faults = lint(Package(package.spec, {}))
    examples = "ImageMaskExampleGen"
    assert [fault.where for fault in faults] == ["ChampionResolver", "Evaluator", examples, examples, "Pusher"]
    assert all(fault.warning and "suits `simulate` alone" in str(fault) for fault in faults)


@pytest.mark.parametrize(
    "document",
    [
        *({}, {"root": 1}, {"root": {"dag": {"tasks": []}}}, {"components": {"A": None}}, {"schemaVersion": 2.1}),
        {"deploymentSpec": {"executors": 3}, "schemaVersion": "2.1.0"},
        {"deploymentSpec": {"executors": {"x": {"container": {"args": 7}}}}},
    ],
)
def test_any_document_gets_an_answer(document: Spec, package: Package) -> None:
    assert lint(Package(document, {})) != []
    assert lint(Package(package.spec, document or {"platforms": []})) != []


class TestFile:
    def test_json_is_refused_by_its_name(self, tmp_path: Path, package: Package) -> None:
        (tmp_path / "compiled.json").write_text(json.dumps(package.spec))
        [fault] = lint_file(tmp_path / "compiled.json")
        assert "take pipeline specs as .yaml alone" in str(fault)

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("a: [", "cannot be read as YAML"),
            ("", "found nothing"),
            ("- 1", "found list"),
            ("a: 1\n---\nb: 1\n---\nc: 1\n", "found dict, dict, dict"),
            ("a: 2026-99-99", "cannot be read as YAML"),
            ("a: !!int ''", "cannot be read as YAML: string index out of range. Make it with"),
            ("a: !!bool x", "cannot be read as YAML: 'x'"),
            ("[" * 5000, "cannot be read as YAML"),
            ("\x00", "cannot be read as YAML"),
        ],
    )
    def test_what_is_no_package(self, tmp_path: Path, text: str, says: str) -> None:
        (tmp_path / "compiled.yaml").write_text(text)
        with pytest.raises(UsageError, match=says):
            lint_file(tmp_path / "compiled.yaml")

    def test_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="No such file"):
            lint_file(tmp_path / "compiled.yaml")


def test_neither_tensorflow_nor_kubeflow_is_imported_before_a_verb_runs() -> None:
    names = "cli.app, cli.kubeflow, " + ", ".join(
        f"kubeflow.spec.{name}" for name in ("compile", "lint", "package", "patch", "platform")
    )
    imports = "; ".join(f"import pipeline.{name}" for name in names.split(", "))
    heavy = "{'tensorflow', 'tfx', 'kfp', 'kubernetes'} & set(sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", f"import sys; {imports}; print({heavy})"], capture_output=True, text=True
    )
    assert run.stdout == "set()\n"


class TestVerb:
    def lint(self, file: Path, *options: str) -> Any:
        return CliRunner().invoke(app, ["kubeflow", "lint", str(file), *options])

    def test_nothing_wrong(self) -> None:
        result = self.lint(GOLDEN)
        assert (result.exit_code, result.output) == (0, "")

    def test_one_line_for_each_fault(self, tmp_path: Path, package: Package) -> None:
        container(package, "Trainer")["image"] = ""
        package.spec["schemaVersion"] = "2.0.0"
        file = tmp_path / "compiled.yaml"
        file.write_text(yaml.safe_dump_all([package.spec, package.platform]))
        result = self.lint(file)
        assert result.exit_code == 2
        lines = result.stderr.splitlines()
        assert [line.partition(":")[0] for line in lines] == ["pipeline", "Trainer"]
        record = json.loads(self.lint(file, "--json").stdout)
        assert [fault["where"] for fault in record["faults"]] == ["pipeline", "Trainer"]
        assert set(record["faults"][0]) == {"where", "found", "why", "remedy", "warning"}

    def test_a_warning_is_no_failure(self, tmp_path: Path, package: Package) -> None:
        file = tmp_path / "compiled.yaml"
        file.write_text(yaml.safe_dump(package.spec))
        result = self.lint(file)
        assert result.exit_code == 0
        assert result.stderr.count("warning: ") == 5
