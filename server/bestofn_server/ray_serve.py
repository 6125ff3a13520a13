"""The service on Ray Serve: replicas of the app behind one endpoint.

serve run bestofn_server.ray_serve:application replicas=2 config=bestofn.yaml

Annotations are no texts here: Serve reads that of `application` as a class.
"""

from pathlib import Path
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field
from ray import serve

from bestofn.settings.settings import Settings
from bestofn_server.app import create_app

Application = serve.Application


class Arguments(BaseModel):
    """What `serve run` and a Serve config may say.

    Args:
        config: YAML file of settings, which has to be there on every node; None: the environment.
        replicas: copies of the whole service, each with models of its own.
        max_replicas: as many while requests wait; None: no more than `replicas`.
        gpus: of each replica.
        cpus: of each replica.
        max_ongoing_requests: of each replica, at once; more wait at the proxy.
    """

    model_config = ConfigDict(extra="forbid")
    config: Path | None = None
    replicas: int = Field(default=1, ge=1)
    max_replicas: int | None = Field(default=None, ge=1)
    gpus: float = Field(default=0.0, ge=0)
    cpus: float = Field(default=1.0, ge=0)
    max_ongoing_requests: int = Field(default=256, ge=1)


def application(arguments: Arguments) -> Application:
    """The service as an application of Ray Serve; Serve reads the arguments.

    Raises:
        ConfigError: the settings are wrong.
    """
    return deployed(Settings.load(arguments.config), arguments)


def deployed(settings: Settings, arguments: Arguments) -> Application:
    """The same with settings that are there already.

    Args:
        settings: of every replica.
        arguments: how many there are, and what each takes.
    """
    scaling: dict[str, Any] = {"num_replicas": arguments.replicas}
    if arguments.max_replicas is not None:
        scaling = {
            "autoscaling_config": {
                "min_replicas": arguments.replicas,
                "max_replicas": max(arguments.replicas, arguments.max_replicas),
            }
        }
    deployment = serve.deployment(
        name="bestofn",
        ray_actor_options={"num_cpus": arguments.cpus, "num_gpus": arguments.gpus},
        max_ongoing_requests=arguments.max_ongoing_requests,
        health_check_period_s=2,
        health_check_timeout_s=10,
        **scaling,
    )

    def build() -> FastAPI:  # on the replica: a pipeline does not travel
        return create_app(settings)

    bound: Application = deployment(serve.ingress(build)()).bind()
    return bound
