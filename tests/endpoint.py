"""A loopback stand-in for an OpenAI-compatible chat endpoint."""

import http.server
import json
import threading


def completion(text, **message):
    """A chat completion; `finish_reason` and fields of the message by name."""
    ended = message.pop("finish_reason", "stop")
    said = {"role": "assistant", "content": text, **message}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "finish_reason": ended, "message": said}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 4, "total_tokens": 11},
    }


def refusal(message="no", **fields):
    return {"error": {"message": message, **fields}}


class Endpoint:
    """Answers with what `reply` makes of a request: a status, a body, and headers if any; keeps every request."""

    def __init__(self, reply):
        self.reply = reply
        self.requests = []
        endpoint = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                request = json.loads(self.rfile.read(int(self.headers["content-length"])))
                endpoint.requests.append({**request, "key": self.headers["authorization"]})
                status, body, *headers = endpoint.reply(endpoint.requests[-1])
                answer = json.dumps(body).encode()
                self.send_response(status)
                for name, value in [*headers, ("content-type", "application/json"), ("content-length", len(answer))]:
                    self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/v1"

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
