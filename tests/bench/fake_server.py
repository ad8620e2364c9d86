"""A tiny memory server on stdio: one file, one line a note; its manners are its arguments."""

import json
import subprocess
import sys
import time
from pathlib import Path

TEXT = {"type": "object", "properties": {"text": {"type": "string"}}}
FRAMED = "framed" in sys.argv


def receive():
    if not FRAMED:
        return sys.stdin.buffer.readline()
    header = sys.stdin.buffer.readline()
    sys.stdin.buffer.readline()
    return sys.stdin.buffer.read(int(header.split(b":")[1])) if header else b""


def send(message):
    body = json.dumps(message).encode()
    head, tail = (f"Content-Length: {len(body)}\r\n\r\n".encode(), b"") if FRAMED else (b"", b"\n")
    sys.stdout.buffer.write(head + body + tail)
    sys.stdout.buffer.flush()


def say(text, *, failed=False):
    return {"content": [{"type": "text", "text": text}], "isError": failed}


def store(text, file, number):
    if "hangs" in sys.argv:
        time.sleep(600)
    if "refuses" in sys.argv:
        return say("no room", failed=True)
    if not ("loses" in sys.argv and number % 2):
        with file.open("a") as notes:
            notes.write(text + "\n")
    return say("stored")


def search(text, file):
    asked = set(text.lower().replace(",", "").split())
    notes = file.read_text().splitlines() if file.exists() else []
    notes.sort(key=lambda note: -len(asked & set(note.lower().split())))
    return say("\n".join(notes[:5]))


def answer(request, file, number):
    match request["method"]:
        case "initialize":
            version = request["params"]["protocolVersion"]
            server = {"name": "fake", "version": "1"}
            return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": server}
        case "tools/list":
            return {"tools": [{"name": name, "inputSchema": TEXT} for name in ("store", "search")]}
        case _:
            text = request["params"]["arguments"]["text"]
            return store(text, file, number) if request["params"]["name"] == "store" else search(text, file)


def main():
    file = Path(sys.argv[1])
    if "dies" in sys.argv:
        sys.exit(3)
    if "stays" in sys.argv:
        subprocess.Popen(["sleep", "60"], start_new_session=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    number = 0
    while line := receive():
        request = json.loads(line)
        if "id" in request:
            number += 1
            send({"jsonrpc": "2.0", "id": request["id"], "result": answer(request, file, number)})


if __name__ == "__main__":
    main()
