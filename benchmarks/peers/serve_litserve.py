"""LitServe with its own batching: serve_litserve.py MODEL PORT."""

import sys

import litserve
import numpy as np
from fastapi import Request
from serving_common import answer, decoded, open_session


class Classifier(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self.session = open_session(sys.argv[1])

    def decode_request(self, request: Request) -> np.ndarray:
        return decoded(request["image"].file.read())  # a form: it takes no images as bodies

    def batch(self, inputs: list[np.ndarray]) -> np.ndarray:
        return np.stack(inputs)

    def predict(self, pixels: np.ndarray) -> np.ndarray:
        return answer(self.session, pixels)

    def unbatch(self, output: np.ndarray) -> list[np.ndarray]:
        return list(output)

    def encode_response(self, output: np.ndarray) -> dict[str, list[float]]:
        return {"probabilities": output.tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(Classifier(max_batch_size=32, batch_timeout=0.002, enable_async=False), accelerator="cpu")
    server.run(port=int(sys.argv[2]), generate_client_file=False, log_level="warning")
