"""The container file and the manifests: they fit the published schemas, name what exists, and keep the promises of the documents."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from tests.environments import environment

from seefar.cli import app
from seefar.serving.guard import Guard
from seefar.serving.log import Log
from seefar.serving.metrics import Metrics
from seefar.serving.problem import Problem
from seefar.serving.settings import Settings, host_names

DEPLOY = Path(__file__).parents[2] / "deploy"
FILES = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
MANIFESTS = Path(__file__).parents[2] / ".venv" / "manifests"

KSERVE = """
import json, sys
import kserve.models, kubernetes.client

def check(found, kind):
    known = {name: field for field, name in kind.attribute_map.items()}
    for name, value in found.items():
        described = kind.openapi_types[known[name]]
        inner = getattr(kserve.models, described.removeprefix("list[").rstrip("]"), None)
        if inner is not None:
            for one in value if isinstance(value, list) else [value]:
                check(one, inner)

check(json.loads(sys.argv[1]), kserve.models.V1beta1InferenceService)
"""


def documents() -> list[dict[str, Any]]:
    return [one for file in FILES for one in yaml.safe_load_all(file.read_text())]


def pod_of(document: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = document["spec"]
    found: dict[str, Any] = spec["template"]["spec"] if document["kind"] == "Deployment" else spec["predictor"]
    return found


PODS = [one for one in documents() if one["kind"] in ("Deployment", "InferenceService")]


def test_kubernetes_takes_them() -> None:
    found = [one for one in documents() if "kserve" not in one["apiVersion"]]
    assert len(found) >= 5
    for one in found:
        kubernetes_validate.validate(one, "1.37", strict=True)


def test_a_field_that_does_not_exist_is_noticed() -> None:
    document = documents()[1] | {"speck": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, "1.37", strict=True)


@pytest.mark.slow
def test_kserve_takes_its_own() -> None:
    """Its own classes know every field; they need older packages than ours."""
    python = environment(MANIFESTS, ["kserve==0.21.0"])
    document = yaml.safe_load((DEPLOY / "kubernetes" / "kserve.yaml").read_text())
    done = subprocess.run([str(python), "-c", KSERVE, json.dumps(document)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("document", PODS, ids=lambda one: str(one["kind"]))
def test_pods_run_as_nobody_and_write_nothing(document: dict[str, Any]) -> None:
    pod = pod_of(document)
    (container,) = pod["containers"]
    security = pod.get("securityContext", {}) | container["securityContext"]
    assert security["runAsNonRoot"]
    assert security["readOnlyRootFilesystem"]
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert "memory" in container["resources"]["limits"]
    assert container["readinessProbe"]["httpGet"]["path"] in ("/readyz", "/v2/health/ready")


@pytest.mark.parametrize("document", PODS, ids=lambda one: str(one["kind"]))
def test_arguments_are_those_of_the_command_line(document: dict[str, Any]) -> None:
    asked = arguments_of(document, "default")
    assert asked["host"] == "0.0.0.0"
    assert asked["token"] is not None
    (container,) = pod_of(document)["containers"]
    assert asked["threads"] == int(container["resources"]["requests"]["cpu"])


NAMES = {
    "Deployment": ["seefar", "seefar.{0}", "seefar.{0}.svc", "seefar.{0}.svc.cluster.local", "10.0.0.7:8000", "localhost:8000"],
    "InferenceService": [
        "seefar",
        "seefar.{0}",
        "seefar.{0}.svc.cluster.local",
        "seefar-predictor.{0}",
        "seefar-predictor.{0}.svc",
        "seefar-predictor.{0}.svc.cluster.local:80",
        "seefar.default.example.com",
        "10.0.0.7:8000",
    ],
}


@pytest.mark.parametrize("document", PODS, ids=lambda one: str(one["kind"]))
@pytest.mark.parametrize("namespace", ["default", "shop"])
def test_pods_answer_to_the_names_by_which_they_are_called(document: dict[str, Any], namespace: str, tmp_path: Path) -> None:
    settings = Settings(hosts=host_names(arguments_of(document, namespace)["allow_host"]))
    guard = Guard(nothing, settings, Metrics(), Log(tmp_path / "log"), lambda: False, lambda: False)
    for name in NAMES[document["kind"]]:
        guard.check(request_for(name.format(namespace)))
    for name in ("example.org", f"seefar.other-than-{namespace}", "seefar.default.example.com.evil.test"):
        with pytest.raises(Problem, match="not called by that name"):
            guard.check(request_for(name))


def request_for(host: str) -> dict[str, Any]:
    return {"type": "http", "method": "POST", "path": "/v1/predict", "headers": [(b"host", host.encode())]}


async def nothing(scope: object, receive: object, send: object) -> None: ...


def arguments_of(document: dict[str, Any], namespace: str) -> dict[str, Any]:
    """What the command line makes of the arguments of a pod, its variables put in as Kubernetes does."""
    (container,) = pod_of(document)["containers"]
    known = {one["name"]: one.get("value") for one in container["env"]} | {"NAMESPACE": namespace}
    words = [re.sub(r"\$\((\w+)\)", lambda found: str(known[found[1]]), word) for word in container["args"]]
    _, bound, unused, *_ = app.parse_known_args(["serve", *words])
    assert unused == []
    return dict(bound.arguments)


@pytest.mark.parametrize("document", PODS, ids=lambda one: str(one["kind"]))
def test_a_pod_is_left_the_time_that_a_stop_takes(document: dict[str, Any]) -> None:
    usual = 30  # seconds, where Kubernetes is told nothing
    left = pod_of(document).get("terminationGracePeriodSeconds", usual)
    assert left > arguments_of(document, "default")["drain"] + Settings().grace


def test_nobody_is_told_to_scrape_without_the_token() -> None:
    assert not any("prometheus.io" in file.read_text() for file in FILES)


def test_the_container_file_is_fixed_and_not_root() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    assert re.findall(r"^FROM \S+:[\d.]+-\S+", text, re.MULTILINE)
    assert all(re.search(r":\d+\.\d+\.\d+", line) for line in re.findall(r"^FROM .*$", text, re.MULTILINE))
    assert re.search(r"^USER 10001", text, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK", text, re.MULTILINE)
    words = json.loads(re.findall(r"^CMD (\[.*\])$", text, re.MULTILINE)[-1])
    _, _, unused, *_ = app.parse_known_args(["serve", *words])
    assert unused == []
    known = (DEPLOY.parent / "constraints.txt").read_text().lower().replace("_", "-")
    listed = text.partition("-c constraints.txt \\\n")[2].partition("\n\n")[0].split()
    assert len(listed) > 10
    assert [name for name in listed if f"\n{name}==" not in known] == []
