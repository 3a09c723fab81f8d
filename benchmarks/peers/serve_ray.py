"""Ray Serve with its own batching, on two local cores: serve_ray.py MODEL PORT."""

import sys
import time
from pathlib import Path

import numpy as np
import ray
from ray import serve
from serving_common import answer, decoded, open_session
from starlette.requests import Request

MODEL = str(Path(sys.argv[1]).resolve())


@serve.deployment(num_replicas=1, max_ongoing_requests=256, ray_actor_options={"num_cpus": 1})
class Classifier:
    def __init__(self) -> None:
        self.session = open_session(MODEL)

    @serve.batch(max_batch_size=32, batch_wait_timeout_s=0.002)
    async def predict(self, images: list[np.ndarray]) -> list[list[float]]:
        return answer(self.session, np.stack(images)).tolist()

    async def __call__(self, request: Request) -> dict[str, object]:
        if request.method == "GET":
            return {"ready": True}
        return {"probabilities": await self.predict(decoded(await request.body()))}


ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[2])})
serve.run(Classifier.bind(), route_prefix="/")
while True:
    time.sleep(60)
