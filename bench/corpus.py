"""A corpus of the project's own: its example config repo, and files of the kinds and habits that config repos have."""

import hashlib

from edits import NEW_TAG, Edit, values
from tools import ROOT

EXAMPLES = ROOT / "examples" / "config-repo"


def edit(text, old, path, document=0, new=NEW_TAG):
    """Returns the edit that replaces the one place where `old` stands; a tag in an image's name keeps the name."""
    if text.count(old) != 1:
        raise SystemExit(f"`{old}` stands {text.count(old)} times in:\n{text}")
    name = old.rpartition(":")[0] if "/" in old else ""
    value = f"{name}:{new}" if name else new
    expected = text.replace(old, value)
    return Edit(
        text=text.encode(),
        document=document,
        path=path,
        new=value,
        line=text[: text.index(old)].count("\n") + 1,
        sha256=hashlib.sha256(expected.encode()).hexdigest(),
    )


def helm(app, tag):
    """Returns the values file of edits.py."""
    return edit(values(app, tag), tag, ["image", "tag"])


def umbrella(app, tag):
    """Returns values of a chart of charts: lists that are not indented, an anchor, a merge, a folded text."""
    text = f"""\
global: &common
  imagePullSecrets:
  - name: regcred
  labels: {{team: "{app}", tier: backend}}

{app}:
  <<: *common
  image:
    registry: registry.acme.example:5000
    repository: shop/{app}
    tag: '{tag}'
  args: ["--log-format=json",
         "--listen=:8080"]
  description: >
    What it does, told to those
    who are on call at night.


  extraEnv:
  - name: JAVA_OPTS
    value: -Xmx512m -XX:+UseG1GC -Dfile.encoding=UTF-8 -Duser.timezone=Europe/Berlin -Dsun.net.inetaddr.ttl=30
  - {{name: FEATURE_X, value: "on"}}   # quoted: it is no truth value
redis:
  enabled:   true
  auth:      {{existingSecret: {app}-redis}}
"""
    return edit(text, tag, [app, "image", "tag"])


def kustomization(app, tag):
    """Returns an overlay of Kustomize."""
    text = f"""\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: {app}
resources:
  - ../../base
  # our own certificate, see the runbook
  - certificate.yaml
images:
  - name: ghcr.io/acme/{app}
    newTag: {tag}
  - name: nginx
    newName: registry.acme.example:5000/nginx
    newTag: "1.27"
patches:
  - target: {{kind: Deployment}}
    patch: |-
      - op: replace
        path: /spec/replicas
        value: 3
"""
    return edit(text, tag, ["images", 0, "newTag"])


def manifests(app, tag):
    """Returns a service and a deployment in one file; the deployment is the second document."""
    text = f"""\
# Plain manifests of {app}
apiVersion: v1
kind: Service
metadata:
  name: {app}
spec:
  selector: {{app: {app}}}
  ports: [{{port: 80, targetPort: http}}]
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {app}
  annotations:
    kubernetes.io/change-cause: "by CI"
spec:
  template:
    spec:
      containers:
      - name: {app}
        image: ghcr.io/acme/{app}:{tag}  # built by CI
        command: ["/bin/sh", "-c"]
        args:
        - |
          exec /app/server \\
            --port 8080
"""
    return edit(text, f"ghcr.io/acme/{app}:{tag}", ["spec", "template", "spec", "containers", 0, "image"], document=1)


def application(app, tag):
    """Returns an Argo CD Application with a parameter of Helm."""
    text = f"""\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
    name: {app}
    namespace: argocd
    finalizers: [resources-finalizer.argocd.argoproj.io]
spec:
    project: shop
    source:
        repoURL: https://git.acme.example/charts.git
        path: charts/{app}
        targetRevision: main
        helm:
            parameters:
                - name: image.tag
                  value: "{tag}"
    destination: {{server: 'https://kubernetes.default.svc', namespace: {app}}}
    syncPolicy:
        automated: {{prune: true, selfHeal: true}}
"""
    return edit(text, tag, ["spec", "source", "helm", "parameters", 0, "value"])


def windows(app, tag):
    """Returns the values file as an editor on Windows leaves it."""
    made = values(app, tag).replace("\n", "\r\n")
    return edit(made, tag, ["image", "tag"])


def no_last_break(app, tag):
    """Returns the values file without its last line break."""
    return edit(values(app, tag).rstrip("\n"), tag, ["image", "tag"])


KINDS = [helm, umbrella, kustomization, manifests, application, windows, no_last_break]
IMAGE = ["spec", "template", "spec", "containers", 0, "image"]
JOB = ["spec", "jobTemplate", *IMAGE]
# The places in the example config repo: file, what stands there, and where that is.
PLACES = [
    ("web/dev-values.yaml", "1.5.0-rc.3", ["image", "tag"]),
    ("web/staging-values.yaml", "1.4.2", ["image", "tag"]),
    ("web/clusters/prod-cloud.yaml", "1.4.1", ["image", "tag"]),
    ("web/clusters/prod-onprem.yaml", "1.4.1", ["image", "tag"]),
    ("api/overlays/dev/kustomization.yaml", "2.1.0-rc.1", ["images", 0, "newTag"]),
    ("api/overlays/staging/kustomization.yaml", "2.0.4", ["images", 0, "newTag"]),
    ("api/overlays/prod/onprem/kustomization.yaml", "2.0.3", ["images", 0, "newTag"]),
    ("api/overlays/prod/cloud/kustomization.yaml", "2.0.3", ["images", 0, "newTag"]),
    ("worker/dev/deployment.yaml", "registry.acme.example:5000/worker:0.19.0-rc.2", IMAGE),
    ("worker/dev/cronjob.yaml", "registry.acme.example:5000/worker:0.19.0-rc.2", JOB),
    ("worker/staging/deployment.yaml", "registry.acme.example:5000/worker:0.18.1", IMAGE),
    ("worker/staging/cronjob.yaml", "registry.acme.example:5000/worker:0.18.1", JOB),
    ("worker/prod/cloud/deployment.yaml", "registry.acme.example:5000/worker:0.18.0", IMAGE),
    ("worker/prod/cloud/cronjob.yaml", "registry.acme.example:5000/worker:0.18.0", JOB),
]


def own(each):
    """Returns the edits of our own corpus: `each` files of every kind, and the example config repo's."""
    made = [kind(f"app-{at:03}", f"1.{at}.{at % 7}") for kind in KINDS for at in range(each)]
    examples = [edit((EXAMPLES / file).read_text(), old, path) for file, old, path in PLACES]
    return made + examples


def kustomizations(each):
    """Returns the names of images and the edits of kustomizations: what `kustomize edit set image` can do."""
    return [(f"ghcr.io/acme/app-{at:03}", kustomization(f"app-{at:03}", f"1.{at}.{at % 7}")) for at in range(each)]
