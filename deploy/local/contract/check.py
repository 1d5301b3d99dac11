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

# All checks are on. What fits the schema is to be accepted, but for rules that no schema can say: here is each of them, with
# the operations that have it and the one status more that they may answer.
BEYOND_A_SCHEMA = [
    # One parameter needs or excludes another.
    (422, ["feed.read_feed", "feed.read_feed_2", "conversations.list_messages", "messages.list_messages"]),
    # An event is to come, and ends after it begins.
    (422, ["group_events.create_event", "group_events.update_event"]),
    # The time zones of this machine; and types of many requests are counted together.
    (422, ["notifications.change_preferences"]),
    # One emoji, which only Unicode's tables tell from other text.
    (422, ["reactions.react"]),
    # Where `/sync` left off.
    (400, ["sync.sync"]),
]
# Of every list: its cursors are those that it gave out.
NOT_A_CURSOR = 400
# For a schema 1.0 is a whole number; whoever writes one here writes 1.
HOOKS = """
import schemathesis

def written(value):
    if isinstance(value, dict):
        return {name: written(item) for name, item in value.items()}
    if isinstance(value, list):
        return [written(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value

@schemathesis.hook
def map_body(context, body):
    return written(body)
"""
# No text may have U+0000 in it, not even one that nobody reads: no schema says that of fields that it does not name.
GENERATION = "[generation]\nallow-x00 = false\n"
# What `positive_data_acceptance` takes anywhere: who may do what, and which ids there are, is no matter of schemas.
ACCEPTED = ["2xx", "3xx", "401", "403", "404", "409", "429", "5xx"]


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


def configuration(base: str) -> str:
    """What an operation may answer beyond `ACCEPTED`, as schemathesis reads it."""
    more = {name: {status} for status, names in BEYOND_A_SCHEMA for name in names}
    with urllib.request.urlopen(f"{base}/api/v1/openapi.json", timeout=10) as answer:
        paths = json.load(answer)["paths"]
    operations = [operation for methods in paths.values() for operation in methods.values()]
    for operation in operations:
        names = [parameter["name"] for parameter in operation["parameters"]]
        if "cursor" in names:
            more.setdefault(operation["operationId"], set()).add(NOT_A_CURSOR)
    unknown = more.keys() - {operation["operationId"] for operation in operations}
    if unknown:
        raise SystemExit(f"there are no such operations: {unknown}")
    sections = [GENERATION]
    for name, statuses in more.items():
        accepted = ACCEPTED + [str(status) for status in sorted(statuses)]
        sections.append(
            f"[[operations]]\ninclude-operation-id = {json.dumps(name)}\n"
            f"[operations.checks.positive_data_acceptance]\nexpected-statuses = {json.dumps(accepted)}\n"
        )
    return "\n".join(sections)


def run(base: str, token: str) -> int:
    command = [
        Path(sys.executable).absolute().parent / "schemathesis",
        "run", f"{base}/api/v1/openapi.json",
        "--url", f"{base}/api/v1",
        "--header", f"Authorization: Bearer {token}",
        "--phases", "examples,coverage,fuzzing",
        "--max-examples", "20", "--seed", "1", "--max-time", str(RUN_LIMIT_S),
        "--continue-on-failure", "--generation-database", "none", "--warnings", "off", "--no-color",
    ]
    for operation in ENDS_THE_SESSION:
        command += ["--exclude-operation-id", operation]
    # It leaves caches where it runs.
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "schemathesis.toml").write_text(configuration(base))
        (Path(folder) / "hooks.py").write_text(HOOKS)
        environment = os.environ | {"SCHEMATHESIS_HOOKS": "hooks"}
        return subprocess.run(command, cwd=folder, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
