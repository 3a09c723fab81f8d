"""FastAPI with one lock around the session, as tutorials have it: serve_fastapi.py MODEL PORT."""

import sys
import threading

import uvicorn
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from serving_common import answer, decoded, open_session

app, session, lock = FastAPI(), open_session(sys.argv[1]), threading.Lock()


def predict(content: bytes) -> list[float]:
    pixels = decoded(content)[None]
    with lock:
        return answer(session, pixels)[0].tolist()


@app.get("/")
def front() -> dict[str, bool]:
    return {"ready": True}


@app.post("/predict")
async def route(request: Request) -> dict[str, list[float]]:
    return {"probabilities": await run_in_threadpool(predict, await request.body())}


uvicorn.run(app, port=int(sys.argv[2]), access_log=False, log_level="warning")
