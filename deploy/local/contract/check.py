"""Asks a live api everything that its OpenAPI document allows and forbids, and holds each answer against the document.

Run by `./dev test` on stores of their own: `check.py FOLDER_WITH_PROGRAMS`.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

# These end the session that the run lives on. Our own tests cover them.
ENDS_THE_SESSION = [
    "auth.log_out",
    "auth.revoke_all_sessions",
    "auth.revoke_session",
    "closing.close_account",
]
READY_LIMIT_S = 30
RUN_LIMIT_S = 120

# All checks but one: "what fits the schema is accepted" knows no rule that goes beyond a schema, such as that a cursor is
# one that the list gave out, or that exactly one of three fields is there.
NOT_CHECKED = "positive_data_acceptance"


def main(programs: Path) -> int:
    port, metrics_port = free_port(), free_port()
    base = f"http://127.0.0.1:{port}"
    environment = os.environ | {
        "API_ADDR": f"127.0.0.1:{port}",
        "METRICS_ADDR": f"127.0.0.1:{metrics_port}",
        "JWT_SECRET": "a secret for this run alone and for no other",
        "RATE_LIMITS": "off",
        # No gateway runs here that could say who is online.
        "PRESENCE": "off",
        "LOG_LEVEL": "error",
    }
    api = subprocess.Popen([programs / "api", "serve"], env=environment)
    try:
        wait_until_ready(f"{base}/readyz", api)
        return run(base, log_in(base))
    finally:
        api.terminate()
        api.wait()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until_ready(url: str, api: subprocess.Popen) -> None:
    deadline = time.monotonic() + READY_LIMIT_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            if api.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def log_in(base: str) -> str:
    """The access token of a demo user."""
    body = json.dumps({"username": "ana", "password": "hubbub-demo"}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{base}/api/v1/auth/login", body, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["access_token"]


def run(base: str, token: str) -> int:
    command = [
        Path(sys.executable).absolute().parent / "schemathesis",
        "run", f"{base}/api/v1/openapi.json",
        "--url", f"{base}/api/v1",
        "--header", f"Authorization: Bearer {token}",
        "--exclude-checks", NOT_CHECKED,
        "--phases", "examples,coverage,fuzzing",
        "--max-examples", "20", "--seed", "1", "--max-time", str(RUN_LIMIT_S),
        "--continue-on-failure", "--generation-database", "none", "--warnings", "off", "--no-color",
    ]
    for operation in ENDS_THE_SESSION:
        command += ["--exclude-operation-id", operation]
    # It leaves caches where it runs.
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(command, cwd=folder, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
