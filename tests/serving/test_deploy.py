"""The container file and the manifests: they fit the published schemas, name what exists, and keep the promises of the documents."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from seefar.cli import app

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
    python = MANIFESTS / "bin" / "python"
    if not (MANIFESTS / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", str(MANIFESTS)], check=True)
        words = [str(python), "-m", "pip", "install", "--quiet", "kserve==0.21.0"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"KServe cannot be installed here: {done.stderr.strip().splitlines()[-1:]}")
        (MANIFESTS / "ready").touch()
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
    (container,) = pod_of(document)["containers"]
    _, bound, unused, *_ = app.parse_known_args(["serve", *container["args"]])
    assert unused == []
    assert bound.arguments["host"] == "0.0.0.0"
    assert bound.arguments["token"] is not None


def test_a_pod_is_left_the_time_that_a_stop_takes() -> None:
    (pod,) = [pod_of(one) for one in PODS if one["kind"] == "Deployment"]
    assert pod["terminationGracePeriodSeconds"] > 5 + 20


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
