"""What is added to a compiled pipeline, and how it is written."""

from __future__ import annotations

import copy
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from compiled import GOLDEN, RECIPE, nodes
from google.protobuf import json_format
from google.protobuf.duration_pb2 import Duration
from kfp.kubernetes import kubernetes_executor_config_pb2 as pb

from components.errors import UsageError
from pipeline.config.loader import load_config
from pipeline.config.root import Config
from pipeline.kubeflow.spec import patch
from pipeline.kubeflow.spec.package import Package, read_package, to_yaml, write_package
from pipeline.kubeflow.spec.patch import with_cache_key
from pipeline.kubeflow.spec.platform import platform_spec

Spec = dict[str, Any]
NODES = tuple(read_package(GOLDEN).spec["root"]["dag"]["tasks"])


@pytest.fixture(scope="module")
def bare() -> Spec:
    """As TFX compiles it: everything cached, a driver, an argument with artifacts, nothing asked for."""
    spec = copy.deepcopy(read_package(GOLDEN).spec)
    del spec["defaultPipelineRoot"]
    schema = {"instanceSchema": "title: tfx.Examples\ntype: object\nproperties:\n  span:\n    type: integer\n"}
    inputs = {"artifacts": {"examples": {"artifactType": schema}}, "parameters": {"files": {"parameterType": "STRING"}}}
    for node in NODES:
        task, container = spec["root"]["dag"]["tasks"][node], executor(spec, node)
        task["cachingOptions"] = {"enableCache": True}
        task.pop("retryPolicy", None)
        for key in ("resources", "env"):
            container.pop(key, None)
        container["args"][5:] = [json.dumps(inputs, indent=2)]
        container["lifecycle"] = {"preCacheCheck": {"command": ["python"]}}
    return spec


def patch_spec(spec: Spec, settings: Config) -> Spec:
    return patch.patch_spec(spec, settings, nodes())


def executor(spec: Spec, node: str) -> Spec:
    return spec["deploymentSpec"]["executors"][f"{node}_executor"]["container"]


def task(spec: Spec, node: str) -> Spec:
    return spec["root"]["dag"]["tasks"][node]


def config(*overrides: str) -> Config:
    nothing = ["kubeflow.resources={}", "kubeflow.nodes={}", "kubeflow.volumes=[]", "kubeflow.secrets=[]"]
    return load_config(str(RECIPE), [*nothing, "kubeflow.pipeline_root=", "execution.workers=0", *overrides])


def kubernetes(spec: Spec, settings: Config) -> dict[str, pb.KubernetesExecutorConfig]:
    """As the cluster parses it."""
    executors = platform_spec(spec, settings.kubeflow)["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    return {key: json_format.ParseDict(value, pb.KubernetesExecutorConfig()) for key, value in executors.items()}


def test_what_was_given_is_left_as_it_was(bare: Spec) -> None:
    before = copy.deepcopy(bare)
    patch_spec(bare, load_config(str(RECIPE)))
    with_cache_key(bare, "abc")
    assert bare == before


def test_where_nothing_is_asked_for_nothing_is_added(bare: Spec) -> None:
    patched = patch_spec(bare, config())
    assert "defaultPipelineRoot" not in patched
    for node in NODES:
        assert not {"resources", "env", "lifecycle"} & set(executor(patched, node))
        assert "retryPolicy" not in task(patched, node)
    assert platform_spec(bare, config().kubeflow) == {}


def test_the_argument_keeps_the_names_of_the_types(bare: Spec) -> None:
    arguments = executor(patch_spec(bare, config()), "Trainer")["args"]
    assert arguments[:5] == executor(bare, "Trainer")["args"][:5]
    assert "\n" not in arguments[5]
    assert json.loads(arguments[5]) == {
        "artifacts": {"examples": {"artifactType": {"instanceSchema": "title: tfx.Examples"}}},
        "parameters": {"files": {"parameterType": "STRING"}},
    }


def test_the_component_declares_its_outputs(bare: Spec) -> None:
    """Kubeflow hands on outputs of its own beside them."""
    patched = patch_spec(bare, config())
    outputs = {node: executor(patched, node)["args"][6:] for node in NODES}
    assert outputs["Trainer"] == ["--outputs", '["model", "model_run"]']
    assert outputs["ChampionResolver"] == ["--outputs", '["champion"]']
    for node, (option, declared) in outputs.items():
        definitions = patched["components"][node]["outputDefinitions"]["artifacts"]
        assert (option, set(json.loads(declared))) == ("--outputs", set(definitions))


def test_an_argument_that_is_short_already_stays(bare: Spec) -> None:
    once = patch_spec(bare, config())
    twice = patch_spec(once, config())
    assert [executor(twice, node)["args"][5] for node in NODES] == [executor(once, node)["args"][5] for node in NODES]


def test_nodes_that_look_outside_are_not_cached(bare: Spec) -> None:
    patched = patch_spec(bare, config())
    uncached = {node for node in NODES if not task(patched, node)["cachingOptions"].get("enableCache")}
    assert uncached == {"ImageMaskExampleGen", "ChampionResolver", "Evaluator", "Pusher"}


def test_quantities_as_text_and_as_numbers(bare: Spec) -> None:
    """Memory as a number is in units of 10^9 bytes: 4 Gi = 4 x 1.073741824."""
    settings = config("kubeflow.resources.cpu=1500m", "kubeflow.nodes.Trainer.memory=4Gi")
    patched = patch_spec(bare, settings)
    assert executor(patched, "Evaluator")["resources"] == {
        **{"resourceCpuLimit": "1500m", "resourceCpuRequest": "1500m"},
        **{"cpuLimit": 1.5, "cpuRequest": 1.5},
    }
    assert executor(patched, "Trainer")["resources"] == {
        **{"resourceMemoryLimit": "4Gi", "resourceMemoryRequest": "4Gi"},
        **{"memoryLimit": 4.294967296, "memoryRequest": 4.294967296},
    }


def test_a_node_of_its_own_has_nothing_of_the_others(bare: Spec) -> None:
    settings = config(
        "kubeflow.resources={retries=2, accelerator='amd.com/gpu', accelerators=1, node_selector={pool='a'}}",
        "kubeflow.nodes.Trainer={accelerator='nvidia.com/gpu', accelerators=2}",
    )
    patched = patch_spec(bare, settings)
    assert executor(patched, "Trainer")["resources"]["accelerator"] == {
        **{"resourceType": "nvidia.com/gpu", "resourceCount": "2"},
        **{"type": "nvidia.com/gpu", "count": "2"},
    }
    assert "retryPolicy" not in task(patched, "Trainer")
    assert task(patched, "Evaluator")["retryPolicy"]["maxRetryCount"] == 2
    found = kubernetes(bare, settings)
    assert set(found) == {f"{node}_executor" for node in NODES} - {"Trainer_executor"}
    assert dict(found["Evaluator_executor"].node_selector.labels) == {"pool": "a"}


def test_retries_outlast_a_training_of_days(bare: Spec) -> None:
    """Argo begins no attempt after `backoffMaxDuration` from the start of the first, and without it never a second."""
    policy = task(patch_spec(bare, config("kubeflow.resources.retries=1")), "Trainer")["retryPolicy"]
    deadline = Duration()
    deadline.FromJsonString(policy["backoffMaxDuration"])
    assert deadline.ToTimedelta() >= timedelta(days=7)


def test_a_refusal_of_the_data_is_not_tried_again(bare: Spec) -> None:
    patched = patch_spec(bare, config("kubeflow.resources.retries=2", "kubeflow.nodes.DataGate.retries=2"))
    assert [node for node in NODES if "retryPolicy" not in task(patched, node)] == ["DataGate"]


def test_volumes_and_secrets_reach_the_nodes_that_are_named_or_all(bare: Spec) -> None:
    settings = config(
        "kubeflow.volumes=[{claim='films', path='/f', nodes=['Trainer']}, {claim='all', path='/a'}]",
        "kubeflow.secrets=[{name='archive', key='password', env='PASSWORD', nodes=['Trainer']}]",
    )
    found = kubernetes(bare, settings)
    assert {label: [mount.constant for mount in item.pvc_mount] for label, item in found.items()} == {
        f"{node}_executor": ["films", "all"] if node == "Trainer" else ["all"] for node in NODES
    }
    [secret] = found["Trainer_executor"].secret_as_env
    assert (secret.secret_name, secret.key_to_env[0].secret_key) == ("archive", "password")
    assert secret.key_to_env[0].env_var == "PASSWORD"
    assert not found["Pusher_executor"].secret_as_env


@pytest.mark.parametrize(
    ("overrides", "expected"), [(["execution.workers=3"], "3"), (["execution.parallel=processes"], "1")]
)
def test_threads_of_the_containers(bare: Spec, overrides: list[str], expected: str) -> None:
    assert executor(patch_spec(bare, config(*overrides)), "Trainer")["env"] == [
        {"name": "MASKLINE_THREADS", "value": expected}
    ]


@pytest.mark.parametrize(("cpu", "expected"), [("4", "4"), ("2500m", "2"), ("500m", "1"), ("1.9", "1")])
def test_threads_do_not_exceed_the_limit_of_the_container(bare: Spec, cpu: str, expected: str) -> None:
    patched = patch_spec(bare, config(f"kubeflow.nodes.Trainer.cpu={cpu!r}"))
    assert executor(patched, "Trainer")["env"] == [{"name": "MASKLINE_THREADS", "value": expected}]
    assert "env" not in executor(patched, "Evaluator")
    chosen = patch_spec(bare, config(f"kubeflow.nodes.Trainer.cpu={cpu!r}", "execution.workers=7"))
    assert executor(chosen, "Trainer")["env"] == [{"name": "MASKLINE_THREADS", "value": "7"}]


class TestCacheKey:
    def test_the_fingerprint_is_a_parameter_of_the_node_which_is_then_cached(self, bare: Spec) -> None:
        patched = patch_spec(bare, config())
        keyed = with_cache_key(patched, "abc")
        example_gen = task(keyed, "ImageMaskExampleGen")
        assert example_gen["inputs"]["parameters"]["files"] == {"runtimeValue": {"constant": "abc"}}
        assert example_gen["cachingOptions"] == {"enableCache": True}
        others = [node for node in NODES if node != "ImageMaskExampleGen"]
        assert [task(keyed, node) for node in others] == [task(patched, node) for node in others]

    def test_a_recipe_without_cache_stays_without(self, bare: Spec) -> None:
        uncached = copy.deepcopy(bare)
        for node in NODES:
            del task(uncached, node)["cachingOptions"]
        assert "cachingOptions" not in task(with_cache_key(uncached, "abc"), "ImageMaskExampleGen")


class TestFile:
    def test_what_is_written_is_read_back(self, tmp_path: Path) -> None:
        package = read_package(GOLDEN)
        write_package(package, tmp_path / "new" / "compiled.yaml")
        assert read_package(tmp_path / "new" / "compiled.yaml") == package
        assert (tmp_path / "new" / "compiled.yaml").read_bytes() == GOLDEN.read_bytes()

    @pytest.mark.parametrize(
        "text", ["12345e678901", "123456789012", "0o17", "1_000", ".5", "2.1.0", "+1", "-1", "1:30"]
    )
    def test_text_that_looks_like_a_number_is_quoted(self, text: str) -> None:
        """A server reads YAML 1.2, in which the first of these is a number."""
        written = to_yaml(Package({"a": text}, {}))
        assert written == f"a: '{text}'\n"
        assert yaml.safe_load(written) == {"a": text}

    @pytest.mark.parametrize(
        "text", ["a\nb\n", "a\n b", "  a\n", "a \n", "\n", "a\tb\n", "é\n", "a\r\nb", "x: {{$}}", "no"]
    )
    def test_any_text_survives(self, text: str) -> None:
        assert yaml.safe_load(to_yaml(Package({"a": text}, {}))) == {"a": text}

    def test_equal_packages_give_equal_bytes(self) -> None:
        one, other = Package({"a": "1", "b": {"c": 1, "d": 2}}, {}), Package({"b": {"d": 2, "c": 1}, "a": "1"}, {})
        assert to_yaml(one) == to_yaml(other)

    def test_lines_stay_lines(self) -> None:
        assert to_yaml(Package({"a": "title: x\ntype: y\n"}, {})) == "a: |\n  title: x\n  type: y\n"

    def test_a_name_that_kubeflow_refuses(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"takes files named \.yaml alone"):
            write_package(Package({}, {}), tmp_path / "compiled.json")
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(UsageError, match="cannot be written"):
            write_package(Package({}, {}), tmp_path / "file" / "compiled.yaml")
