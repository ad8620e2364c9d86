import asyncio
import socket

from alma_mcp.loopback import bind_localhost, serving

QUESTION = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


async def hello(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": b"hello"})


def answer(connection):
    connection.sendall(QUESTION)
    parts = []
    while part := connection.recv(4096):
        parts.append(part)
    return b"".join(parts)


async def test_who_connects_before_the_server_runs_is_not_refused_but_answered():
    listeners = bind_localhost(0)
    async with serving(hello, listeners):
        for listener in listeners:
            with socket.socket(listener.family, socket.SOCK_STREAM) as early:
                early.connect(listener.getsockname())
                assert (await asyncio.to_thread(answer, early)).endswith(b"hello")
